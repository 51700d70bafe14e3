-- +goose Up
-- One index serves sending and deleting: due_at is when the row has its turn, whatever its state.
CREATE TABLE messages (
    id               VARCHAR(32) NOT NULL,
    merchant_id      VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id          VARCHAR(32) NOT NULL,
    batch_id         VARCHAR(32) NOT NULL,
    template_id      VARCHAR(32) NOT NULL,
    template_version INT NOT NULL,
    channel          VARCHAR(8) NOT NULL,
    kind             VARCHAR(12) NOT NULL,
    dedupe_key       VARCHAR(51) NOT NULL,
    params           JSON NOT NULL,
    state            VARCHAR(8) NOT NULL,
    outcome          VARCHAR(64) NOT NULL,
    attempts         INT NOT NULL,
    due_at           DATETIME(6) NOT NULL,
    send_until       DATETIME(6) NULL,
    sent_at          DATETIME(6) NULL,
    read_at          DATETIME(6) NULL,
    seq              BIGINT NOT NULL,
    created_at       DATETIME(6) NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY messages_once (dedupe_key, channel),
    KEY messages_due (state, channel, due_at),
    KEY messages_user (user_id, channel, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE messages;
