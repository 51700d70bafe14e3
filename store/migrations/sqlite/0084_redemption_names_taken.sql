-- +goose Up
INSERT INTO redemption_names (caller, kind, value, redemption_id)
    SELECT caller, 'key', idem_key, id FROM redemptions WHERE idem_key IS NOT NULL
    UNION ALL
    SELECT caller, 'order', live_order_key, id FROM redemptions WHERE live_order_key IS NOT NULL;

-- +goose Down
UPDATE redemptions SET live_order_key = n.value FROM redemption_names n WHERE n.kind = 'order' AND n.redemption_id = redemptions.id;
DELETE FROM redemption_names;
