-- +goose Up
-- Processes of before don't know redemption_names: none of them may run any more.
ALTER TABLE redemptions
    DROP KEY redemptions_idem,
    DROP KEY redemptions_live_order,
    DROP COLUMN live_order_key;

-- +goose Down
-- The migration before fills the column in.
ALTER TABLE redemptions
    ADD COLUMN live_order_key VARCHAR(51) NULL AFTER order_id,
    ADD UNIQUE KEY redemptions_idem (caller, idem_key),
    ADD UNIQUE KEY redemptions_live_order (live_order_key);
