-- +goose Up
INSERT INTO redemption_names (caller, kind, value, redemption_id)
    SELECT caller, 'key', idem_key, id FROM redemptions WHERE idem_key IS NOT NULL
    UNION ALL
    SELECT caller, 'order', live_order_key, id FROM redemptions WHERE live_order_key IS NOT NULL;

-- +goose Down
UPDATE redemption_names n JOIN redemptions r ON r.id = n.redemption_id SET r.live_order_key = n.value WHERE n.kind = 'order';
DELETE FROM redemption_names;
