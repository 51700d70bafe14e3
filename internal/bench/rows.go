package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
)

// plenty is stock that no run uses up.
const plenty = 1 << 40

// rows is the design that counts in rows of a table, one transaction for each claim: with one row, or with several slots
// among which claims are spread by chance. It is what most coupon systems on one database do.
type rows struct {
	name  string // over HTTP; straight on MySQL it is called bare_ and this
	slots int
	// Set by prepare.
	batch string
	db    *sql.DB
	stock int64
}

// Tables with the columns and keys that an honest version needs: who has what, once for each request, and a log.
var rowsTables = []string{
	`CREATE TABLE IF NOT EXISTS rows_counters (
		batch_id VARCHAR(32) NOT NULL, slot INT NOT NULL, remaining BIGINT NOT NULL, reserved BIGINT NOT NULL, used BIGINT NOT NULL,
		PRIMARY KEY (batch_id, slot)) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin`,
	`CREATE TABLE IF NOT EXISTS rows_coupons (
		id VARCHAR(32) NOT NULL, batch_id VARCHAR(32) NOT NULL, user_id VARCHAR(32) NOT NULL, state VARCHAR(12) NOT NULL,
		valid_until DATETIME(6) NOT NULL, PRIMARY KEY (id), UNIQUE KEY (batch_id, user_id), KEY (user_id, state, valid_until)
		) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin`,
	`CREATE TABLE IF NOT EXISTS rows_ledger (
		id BIGINT NOT NULL AUTO_INCREMENT, batch_id VARCHAR(32) NOT NULL, coupon_id VARCHAR(32) NOT NULL, kind VARCHAR(12) NOT NULL,
		amount BIGINT NOT NULL, at DATETIME(6) NOT NULL, PRIMARY KEY (id), KEY (coupon_id)
		) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin`,
}

var errGone = errors.New("no stock is left")

// prepare makes the tables and the counters of a new batch, with so much stock in each slot.
func (r *rows) prepare(ctx context.Context, e *env, stock int64) error {
	db := e.db
	r.db, r.batch, r.stock = db, fmt.Sprintf("batch-%d", e.numbers.Add(1)), stock
	for _, table := range rowsTables {
		if _, err := db.ExecContext(ctx, table); err != nil {
			return fmt.Errorf("bench: tables of the baseline: %w", err)
		}
	}
	for slot := range r.slots {
		_, err := db.ExecContext(ctx, "INSERT INTO rows_counters VALUES (?, ?, ?, 0, 0)", r.batch, slot, stock)
		if err != nil {
			return fmt.Errorf("bench: counters of the baseline: %w", err)
		}
	}
	return nil
}

// job is one of the ops below straight on MySQL, with the pool's connections.
func (r *rows) job(do op) *job {
	return &job{name: "bare_" + r.name, check: r.check, start: func(context.Context) (op, func(), error) { return do, func() {}, nil }}
}

// claim is a claim of a new user straight on MySQL.
func (r *rows) claim(ctx context.Context, n int64) error {
	return r.issue(ctx, couponOf("claim", n), userOf(n))
}

// refuse is a claim when nothing is left: it answers without error if it was refused.
func (r *rows) refuse(ctx context.Context, n int64) error {
	err := r.claim(ctx, n)
	switch {
	case errors.Is(err, errGone):
		return nil
	case err == nil:
		return errors.New("a coupon was issued from nothing")
	}
	return err
}

// redeem is a hold of a new user and its confirmation straight on MySQL.
func (r *rows) redeem(ctx context.Context, n int64) error {
	coupon := couponOf("hold", n)
	if err := r.reserve(ctx, coupon, userOf(n)); err != nil {
		return err
	}
	return r.use(ctx, coupon)
}

func couponOf(what string, n int64) string { return fmt.Sprintf("%s-%d", what, n) }

func userOf(n int64) string { return fmt.Sprintf("user-%d", n) }

// issue takes from the stock and writes the coupon.
func (r *rows) issue(ctx context.Context, coupon, user string) error {
	return r.tx(ctx, "remaining = remaining - 1, used = used + 1 WHERE remaining >= 1", r.coupon(coupon, user, "issued"))
}

// reserve is issue for a coupon that is about to be used.
func (r *rows) reserve(ctx context.Context, coupon, user string) error {
	return r.tx(ctx, "remaining = remaining - 1, reserved = reserved + 1 WHERE remaining >= 1", r.coupon(coupon, user, "locked"))
}

// use uses a coupon that was reserved.
func (r *rows) use(ctx context.Context, coupon string) error {
	return r.tx(ctx, "reserved = reserved - 1, used = used + 1 WHERE reserved >= 1", []statement{
		{"UPDATE rows_coupons SET state = 'USED' WHERE id = ?", []any{coupon}},
		r.entry(coupon, "used"),
	})
}

// statement is SQL with its arguments.
type statement struct {
	text string
	args []any
}

// coupon writes a coupon and its entry in the log.
func (r *rows) coupon(id, user, kind string) []statement {
	return []statement{
		{"INSERT INTO rows_coupons VALUES (?, ?, ?, 'AVAILABLE', UTC_TIMESTAMP(6) + INTERVAL 1 DAY)", []any{id, r.batch, user}},
		r.entry(id, kind),
	}
}

func (r *rows) entry(coupon, kind string) statement {
	return statement{
		"INSERT INTO rows_ledger (batch_id, coupon_id, kind, amount, at) VALUES (?, ?, ?, 500, UTC_TIMESTAMP(6))",
		[]any{r.batch, coupon, kind},
	}
}

// tx moves a counter and writes the rest, all or nothing.
func (r *rows) tx(ctx context.Context, move string, rest []statement) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	result, err := tx.ExecContext(ctx, "UPDATE rows_counters SET "+move+" AND batch_id = ? AND slot = ?", r.batch, rand.IntN(r.slots))
	if err != nil {
		return err
	}
	if moved, err := result.RowsAffected(); err != nil || moved == 0 {
		return errors.Join(errGone, err)
	}
	for _, s := range rest {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// check compares the counters with what was answered; of refusals nothing may be written.
func (r *rows) check(ctx context.Context, done int64) error {
	var used int64
	err := r.db.QueryRowContext(ctx, "SELECT CAST(SUM(used) AS SIGNED) FROM rows_counters WHERE batch_id = ?", r.batch).Scan(&used)
	if err != nil {
		return err
	}
	if r.stock == 0 {
		done = 0
	}
	return sameCount(done, used)
}
