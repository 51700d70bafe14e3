-- +goose Up
-- The defaults are for processes of the release before, which go on writing rows while this one is rolled out.
ALTER TABLE batches
    ADD COLUMN limit_by JSON NULL AFTER claims_per_user,
    ADD COLUMN codes    VARCHAR(8) NOT NULL DEFAULT '' AFTER limit_by,
    ADD COLUMN face_min BIGINT NOT NULL DEFAULT 0 AFTER codes,
    ADD COLUMN face_max BIGINT NOT NULL DEFAULT 0 AFTER face_min,
    ADD KEY batches_mode (claim_mode, merchant_id, id);

-- +goose Down
ALTER TABLE batches
    DROP KEY batches_mode,
    DROP COLUMN face_max,
    DROP COLUMN face_min,
    DROP COLUMN codes,
    DROP COLUMN limit_by;
