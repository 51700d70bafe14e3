-- +goose Up
ALTER TABLE bank_payments
    ADD COLUMN charged_back BIGINT NOT NULL DEFAULT 0 AFTER refunded,
    ADD CONSTRAINT bank_payments_charged_back CHECK (0 <= charged_back AND refunded + charged_back <= captured);

-- +goose Down
ALTER TABLE bank_payments
    DROP CONSTRAINT bank_payments_charged_back,
    DROP COLUMN charged_back;
