-- +goose Up
-- request_hash is 0 in rows of before: what asked for them isn't known any more.
ALTER TABLE coupons
    ADD COLUMN request_hash BIGINT NOT NULL DEFAULT 0 AFTER source_key,
    ADD KEY coupons_request (batch_id, request_hash);

-- +goose Down
ALTER TABLE coupons
    DROP KEY coupons_request,
    DROP COLUMN request_hash;
