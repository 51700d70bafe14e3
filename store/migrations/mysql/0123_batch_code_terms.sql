-- +goose Up
ALTER TABLE batches
    ADD COLUMN code_prefix    VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '' AFTER codes,
    ADD COLUMN code_length    INT NOT NULL DEFAULT 0 AFTER code_prefix,
    ADD COLUMN code_alphabet  VARCHAR(64) NOT NULL DEFAULT '' AFTER code_length,
    ADD COLUMN code_low_water BIGINT NOT NULL DEFAULT 0 AFTER code_alphabet,
    ADD COLUMN code_refill    BIGINT NOT NULL DEFAULT 0 AFTER code_low_water,
    ADD KEY batches_low_water (code_low_water);

-- +goose Down
ALTER TABLE batches
    DROP KEY batches_low_water,
    DROP COLUMN code_refill,
    DROP COLUMN code_low_water,
    DROP COLUMN code_alphabet,
    DROP COLUMN code_length,
    DROP COLUMN code_prefix;
