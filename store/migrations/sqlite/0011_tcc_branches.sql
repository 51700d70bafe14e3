-- +goose Up
CREATE TABLE tcc_branches (
    redemption_id TEXT NOT NULL,
    branch        TEXT NOT NULL,
    state         TEXT NOT NULL,
    seq           INTEGER NOT NULL,
    `result`      TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    PRIMARY KEY (redemption_id, branch)
) STRICT;

-- +goose Down
DROP TABLE tcc_branches;
