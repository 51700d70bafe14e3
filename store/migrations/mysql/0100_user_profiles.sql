-- +goose Up
-- The defaults are for processes of the release before, which go on writing rows while this one is rolled out.
ALTER TABLE users
    ADD COLUMN locale         VARCHAR(35) NOT NULL DEFAULT '',
    ADD COLUMN time_zone      VARCHAR(64) NOT NULL DEFAULT '',
    ADD COLUMN last_active_at DATETIME(6) NULL,
    ADD COLUMN opt_out        INT NOT NULL DEFAULT 0,
    ADD COLUMN merged_into    VARCHAR(32) NULL,
    ADD COLUMN absorbed       INT NOT NULL DEFAULT 0,
    ADD COLUMN erased_at      DATETIME(6) NULL,
    ADD COLUMN seq            BIGINT NOT NULL DEFAULT 0,
    ADD KEY users_merged (merged_into);

-- +goose Down
ALTER TABLE users
    DROP KEY users_merged,
    DROP COLUMN seq,
    DROP COLUMN erased_at,
    DROP COLUMN absorbed,
    DROP COLUMN merged_into,
    DROP COLUMN opt_out,
    DROP COLUMN last_active_at,
    DROP COLUMN time_zone,
    DROP COLUMN locale;
