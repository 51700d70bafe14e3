-- +goose Up
ALTER TABLE bank_payments ADD COLUMN charged_back INTEGER NOT NULL DEFAULT 0
    CHECK (0 <= charged_back AND refunded + charged_back <= captured);

-- +goose Down
ALTER TABLE bank_payments DROP COLUMN charged_back;
