package store

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// entrySlice bounds how many ledger entries one statement reads.
const entrySlice = 10_000

// auditEntry is a ledger entry as it comes off the wire. The texts are valid until the next one is read: an audit reads
// millions, and most of them leave nothing behind but a sum.
type auditEntry struct {
	models.LedgerEntry // without the texts below
	couponSeq          int64
	coupon             sql.RawBytes
	user               sql.RawBytes
	day                sql.RawBytes
	redemption         sql.RawBytes
	kind               sql.RawBytes
}

// kinds are the known ones, so that a kind that is read needs no memory of its own.
var kinds = func() map[string]models.EntryKind {
	known := map[string]models.EntryKind{}
	for kind := range moves {
		known[string(kind)] = kind
	}
	for _, kind := range []models.EntryKind{models.EntryLeft, models.EntryJoined, models.EntryCarried, models.EntryCarriedOff} {
		known[string(kind)] = kind
	}
	known[string(models.EntryStocked)], known[string(models.EntryCoded)] = models.EntryStocked, models.EntryCoded
	return known
}()

// entryRange are the entries of a batch's ledger after one sequence, up to another.
type entryRange struct {
	batchID     string
	after, upTo int64
}

// read hands the first entries of the range to fn, in order and at most entrySlice, and returns how many.
func (r entryRange) read(db *gorm.DB, fn func(e *auditEntry)) (n int, err error) {
	rows, err := db.Raw("SELECT batch_seq, COALESCE(coupon_seq, 0), `count`, amount, kind, coupon_id, user_id, `day`, redemption_id "+
		"FROM ledger_entries WHERE batch_id = ? AND batch_seq > ? AND batch_seq <= ? ORDER BY batch_seq LIMIT ?",
		r.batchID, r.after, r.upTo, entrySlice).Rows()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	e := auditEntry{LedgerEntry: models.LedgerEntry{BatchID: r.batchID}}
	for ; rows.Next(); n++ {
		err := rows.Scan(&e.BatchSeq, &e.couponSeq, &e.Count, &e.Amount, &e.kind, &e.coupon, &e.user, &e.day, &e.redemption)
		if err != nil {
			return n, err
		}
		kind, known := kinds[string(e.kind)]
		if e.Kind = kind; !known {
			e.Kind = models.EntryKind(e.kind)
		}
		fn(&e)
	}
	return n, rows.Err()
}

// eachRow hands each row of a raw query to scan.
func eachRow(query *gorm.DB, scan func(rows *sql.Rows) error) error {
	rows, err := query.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
