-- +goose Up
-- Lists are by id, of a merchant or of a state; for both, the server intersects the two, which have the same order.
CREATE INDEX messages_merchant ON messages (merchant_id, id);
CREATE INDEX messages_state ON messages (state, id);

-- +goose Down
DROP INDEX messages_merchant ON messages;
DROP INDEX messages_state ON messages;
