-- +goose Up
CREATE TABLE bulk_changes (
    id         VARCHAR(32) NOT NULL,
    batch_id   VARCHAR(32) NOT NULL,
    kind       VARCHAR(8) NOT NULL,
    state      VARCHAR(8) NOT NULL,
    terms      JSON NOT NULL,
    audit_id   VARCHAR(32) NOT NULL,
    up_to      BIGINT NOT NULL,
    done       BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    skipped    JSON NOT NULL,
    seq        BIGINT NOT NULL,
    due_at     DATETIME(6) NULL,
    created_at DATETIME(6) NOT NULL,
    ended_at   DATETIME(6) NULL,
    PRIMARY KEY (id),
    KEY bulk_changes_batch (batch_id, id),
    KEY bulk_changes_due (due_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE bulk_changes;
