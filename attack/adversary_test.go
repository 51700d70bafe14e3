package attack

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"
)

// counterLock is where every writer of a batch's books meets.
const counterLock = "SELECT ledger_seq FROM batch_counters WHERE batch_id = ? FOR UPDATE"

// wrongOrders are pairs of locks as no writer may take them. The gap behind the newest ledger entry stands for the rows
// that the writers are about to insert.
var wrongOrders = [][2]string{
	{"SELECT batch_seq FROM ledger_entries WHERE batch_id = ? ORDER BY batch_seq DESC LIMIT 1 FOR UPDATE", counterLock},
	{"SELECT user_id FROM user_counters WHERE batch_id = ? LIMIT 50 FOR UPDATE", counterLock},
	{"SELECT id FROM coupons WHERE batch_id = ? ORDER BY id DESC LIMIT 50 FOR UPDATE", counterLock},
	{counterLock, "SELECT id FROM redemptions WHERE id > ? ORDER BY id DESC LIMIT 50 FOR UPDATE"},
}

// adversary takes locks of one batch in the wrong order, so that the server finds deadlocks and breaks transactions.
type adversary struct {
	f     *fleet
	batch string
	lost  int // how often it was the adversary's own transaction that was broken
	stop  context.CancelFunc
	done  chan struct{}
}

// provoke starts an adversary. A transaction that has written to a table without transactions is the last that the server
// would break, so it is nearly always the product's that goes.
func (f *fleet) provoke(batch string) *adversary {
	_, err := f.db.ExecContext(f.t.Context(), "CREATE TABLE attack_weight (n INT) ENGINE = MyISAM")
	require.NoError(f.t, err)
	ctx, cancel := context.WithCancel(f.t.Context())
	a := &adversary{f: f, batch: batch, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for ctx.Err() == nil {
			if a.strike(ctx) {
				a.lost++
			}
			wait(ctx, rand.N(40*time.Millisecond))
		}
	}()
	f.t.Cleanup(func() { a.end() })
	return a
}

// strike takes two locks and gives them back, and reports whether the server has broken it.
func (a *adversary) strike(ctx context.Context) bool {
	tx, err := a.f.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead}) // which locks gaps, too
	if err != nil {
		return false
	}
	defer func() { _ = tx.Rollback() }() // all that it is for is its locks
	if _, err := tx.ExecContext(ctx, "INSERT INTO attack_weight VALUES (1)"); err != nil {
		return false
	}
	for _, lock := range wrongOrders[rand.IntN(len(wrongOrders))] {
		arg := a.batch
		if lock == wrongOrders[3][1] {
			arg = ""
		}
		if err := lockRows(ctx, tx, lock, arg); err != nil {
			var my *mysql.MySQLError
			return errors.As(err, &my) && my.Number == 1213
		}
	}
	return false
}

func lockRows(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // a lock is taken as its row is read
		continue
	}
	return rows.Err()
}

// end stops the adversary and returns how many deadlocks have broken a transaction of the product.
func (a *adversary) end() int {
	a.stop()
	<-a.done
	return a.f.deadlocks() - a.lost
}
