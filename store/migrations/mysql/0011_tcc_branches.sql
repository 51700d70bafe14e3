-- +goose Up
CREATE TABLE tcc_branches (
    redemption_id VARCHAR(32) NOT NULL,
    branch        VARCHAR(16) NOT NULL,
    state         VARCHAR(12) NOT NULL,
    seq           BIGINT NOT NULL,
    `result`      JSON NOT NULL,
    created_at    DATETIME(6) NOT NULL,
    updated_at    DATETIME(6) NOT NULL,
    PRIMARY KEY (redemption_id, branch)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE tcc_branches;
