-- +goose Up
-- Names are compared byte by byte: a text column would take 'k' and 'k ' for one. There is no second index on purpose:
-- the primary key's is the lock of a name, and a row of it is locked alone, without its neighbours.
CREATE TABLE redemption_names (
    caller        VARBINARY(400) NOT NULL,
    kind          VARCHAR(8) NOT NULL,
    value         VARBINARY(1020) NOT NULL,
    redemption_id VARCHAR(32) NOT NULL,
    PRIMARY KEY (caller, kind, value)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- +goose Down
DROP TABLE redemption_names;
