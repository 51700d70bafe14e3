package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

const (
	handoutRange = 500    // users of a range, and of a transaction of the baseline
	handoutRate  = 40_000 // more users a second than are given anything: the audience must not end before the span
	handoutMost  = 1_000_000
	usersAtOnce  = 1_000
)

// prepareDistribution is a distribution to many users, range by range as a worker does it, beside plain INSERTs of the same rows:
// a coupon, its ledger entry and the user's place in the audience.
func prepareDistribution(ctx context.Context, e *env) (*contest, error) {
	s, err := store.Open(store.Options{MySQL: e.dsn, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	e.onStop(s.Close)
	load := e.load()
	people, err := e.people(ctx, min(handoutMost, int((load.span+load.warm()).Seconds()*handoutRate)))
	if err != nil {
		return nil, err
	}
	batchID, err := e.batch(ctx, batchSpec{quantity: handoutMost})
	if err != nil {
		return nil, err
	}
	d, err := s.CreateDistribution(ctx, store.NewDistribution{Distribution: models.Distribution{BatchID: batchID, Caller: "bench"}, UserIDs: people})
	if err != nil {
		return nil, err
	}
	if _, err := s.BeginDistribution(ctx, d.ID); err != nil {
		return nil, err
	}
	ours := &job{name: "distribution", each: handoutRange, start: func(context.Context) (op, func(), error) {
		return func(ctx context.Context, _ int64) error { return issueRange(ctx, s, d.ID) }, func() {}, nil
	}}
	issued := e.checkBatch(batchID, func(c counters) int64 { return c.Issued })
	ours.check = func(ctx context.Context, done int64) error { return issued(ctx, done*handoutRange) }
	plain, err := newPlainRows(ctx, e.db, people)
	return &contest{ours: ours, baselines: []*job{plain.job()}}, err
}

var errUsedUp = errors.New("the audience was used up")

func issueRange(ctx context.Context, s *store.Store, id string) error {
	out, err := s.IssueRange(ctx, id, handoutRange)
	if err == nil && out.Issued != handoutRange {
		err = errUsedUp
	}
	return err
}

// people makes users past the API, in the order of their ids.
func (e *env) people(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = models.NewID(models.PrefixUser)
	}
	for some := range slices.Chunk(ids, usersAtOnce) {
		text := "INSERT INTO users (id, blocked, created_at) VALUES " + strings.Repeat(", (?, FALSE, UTC_TIMESTAMP(6))", len(some))[2:]
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
		}
		if _, err := e.db.ExecContext(ctx, text, args...); err != nil {
			return nil, fmt.Errorf("bench: users: %w", err)
		}
	}
	return ids, nil
}

// plainRows writes the same rows without anything behind them, into tables with the same keys.
type plainRows struct {
	db    *sql.DB
	users []string
	next  atomic.Int64
}

// plainTables are what is written, into tables like those without the prefix.
var plainTables = []string{"coupons", "ledger_entries", "distribution_members"}

func newPlainRows(ctx context.Context, db *sql.DB, users []string) (*plainRows, error) {
	for _, like := range plainTables {
		if _, err := db.ExecContext(ctx, "CREATE TABLE plain_"+like+" LIKE "+like); err != nil {
			return nil, fmt.Errorf("bench: tables of the baseline: %w", err)
		}
	}
	return &plainRows{db: db, users: users}, nil
}

func (p *plainRows) job() *job {
	return &job{name: "plain_inserts", each: handoutRange, start: func(context.Context) (op, func(), error) {
		return p.insert, func() {}, nil
	}}
}

// insert is one transaction of three statements.
func (p *plainRows) insert(ctx context.Context, _ int64) error {
	end := int(p.next.Add(handoutRange))
	if end > len(p.users) {
		return errUsedUp
	}
	first := end - handoutRange
	now := time.Now().UTC().Format("2006-01-02 15:04:05.000000")
	var coupons, entries, members []any
	for i, user := range p.users[first:end] {
		id, at := models.NewID(models.PrefixCoupon), first+i
		coupons = append(coupons, id, "bat_plain", "rul_plain", 1, user, 1, "AVAILABLE", 1, 0, nil, now, now, nil, "plain", "plain-plain-plain-plain-"+user[4:], 2, now)
		entries = append(entries, "bat_plain", at, id, 1, user, "issued", 1, 0, "", nil, nil, now)
		members = append(members, "dst_plain", at, user)
	}
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	for _, rows := range []struct {
		into string
		of   int
		args []any
	}{
		{"coupons (id, batch_id, rule_id, rule_version, user_id, ordinal, state, seq, face_value, code_key, valid_from, valid_until, " +
			"redemption_id, source, source_key, request_hash, created_at)", 17, coupons},
		{"ledger_entries (batch_id, batch_seq, coupon_id, coupon_seq, user_id, kind, `count`, amount, `day`, redemption_id, refund_id, `at`)", 12, entries},
		{"distribution_members (distribution_id, pos, user_id)", 3, members},
	} {
		one := ", (?" + strings.Repeat(", ?", rows.of-1) + ")"
		if _, err := tx.ExecContext(ctx, "INSERT INTO plain_"+rows.into+" VALUES "+strings.Repeat(one, handoutRange)[2:], rows.args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
