-- Single codes that are out take stock: what was counted before each new code is now kept in the counters, by the ledger.
-- +goose Up
INSERT INTO ledger_entries (batch_id, batch_seq, kind, `count`, amount, `day`, `at`)
SELECT c.batch_id, c.ledger_seq + 1, 'coded', k.codes, 0, '', UTC_TIMESTAMP(6)
FROM batch_counters c
JOIN (SELECT batch_id, COUNT(*) AS codes FROM codes WHERE kind = 'single' AND active = TRUE AND uses = 0 GROUP BY batch_id) k ON k.batch_id = c.batch_id;

UPDATE batch_counters SET coded = COALESCE((
    SELECT l.`count` FROM ledger_entries l
    WHERE l.batch_id = batch_counters.batch_id AND l.batch_seq = batch_counters.ledger_seq + 1 AND l.kind = 'coded'
), 0);

UPDATE batch_counters SET ledger_seq = ledger_seq + 1, remaining = CASE WHEN quantity IS NULL THEN remaining ELSE remaining - coded END
WHERE coded > 0;

-- +goose Down
INSERT INTO ledger_entries (batch_id, batch_seq, kind, `count`, amount, `day`, `at`)
SELECT batch_id, ledger_seq + 1, 'coded', -coded, 0, '', UTC_TIMESTAMP(6) FROM batch_counters WHERE coded <> 0;

UPDATE batch_counters SET ledger_seq = ledger_seq + 1, remaining = CASE WHEN quantity IS NULL THEN remaining ELSE remaining + coded END
WHERE coded <> 0;
