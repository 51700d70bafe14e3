-- +goose Up
-- Lists are by id, of a merchant or of a state; for both, the server intersects the two, which have the same order.
ALTER TABLE messages ADD INDEX messages_merchant (merchant_id, id), ADD INDEX messages_state (state, id);

-- +goose Down
ALTER TABLE messages DROP INDEX messages_merchant, DROP INDEX messages_state;
