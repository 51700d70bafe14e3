package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
)

// usage is how much of some batches is used, by all and by one user, at one instant.
type usage struct {
	counters map[string]*models.BatchCounter
	users    map[userDay]models.Usage
	now      models.Time // the store's clock
}

// usage reads the counters of the batches and, when a user is named, those of the user on the day of the instant (now when
// it is zero), in one question. Which day that is depends on the batch's zone, so the days around it are read.
func (s *Store) usage(ctx context.Context, batchIDs []string, userID string, at models.Time) (usage, error) {
	u := usage{counters: map[string]*models.BatchCounter{}, users: map[userDay]models.Usage{}}
	if len(batchIDs) == 0 {
		var err error
		u.now, err = s.Now(ctx)
		return u, err
	}
	query, args := usageSQL(s.clock(), userID, at)
	for _, id := range batchIDs {
		args = append(args, id)
	}
	rows, err := s.sql.QueryContext(ctx, query+" WHERE c.batch_id IN (?"+strings.Repeat(", ?", len(batchIDs)-1)+")", args...)
	if err != nil {
		return u, asError(err)
	}
	defer rows.Close()
	row := newUsageRow(userID)
	for rows.Next() {
		if err := rows.Scan(row.to...); err != nil {
			return u, asError(err)
		}
		if err := row.add(&u); err != nil {
			return u, asError(err)
		}
	}
	return u, asError(rows.Err())
}

// usageSQL asks for the counters of all, and of the user if there is one.
func usageSQL(clock, userID string, at models.Time) (query string, args []any) {
	const counters = ", c.batch_id, c.state, c.paused, c.quantity, c.remaining, c.issued, c.coded, c.face_amount, " +
		"c.reserved_count, c.reserved_amount, c.used_count, c.used_amount, c.refunded_amount"
	if userID == "" {
		return "SELECT " + clock + counters + " FROM batch_counters AS c", nil
	}
	middle := at.Time
	if at.IsZero() {
		middle = time.Now().UTC() // a clock that is a day off is refused at start-up
	}
	args = []any{userID, "", "", "", ""}
	for i := range 3 {
		args[2+i] = middle.AddDate(0, 0, i-1).Format(time.DateOnly)
	}
	return "SELECT " + clock + counters +
		", u.day, u.reserved_count, u.reserved_amount, u.used_count, u.used_amount, u.refunded_amount FROM batch_counters AS c " +
		"LEFT JOIN user_counters AS u ON u.batch_id = c.batch_id AND u.user_id = ? AND u.day IN (?, ?, ?, ?)", args
}

// usageRow is a row of usageSQL, read into the same memory again and again.
type usageRow struct {
	to       []any
	now      sql.RawBytes // the same in every row
	counter  models.BatchCounter
	quantity sql.NullInt64
	userID   string // "": the columns of the user aren't there
	day      sql.NullString
	user     [5]sql.NullInt64
}

func newUsageRow(userID string) *usageRow {
	r := &usageRow{userID: userID}
	c := &r.counter
	r.to = []any{&r.now, &c.BatchID, &c.State, &c.Paused, &r.quantity, &c.Remaining, &c.Issued, &c.Coded, &c.FaceAmount,
		&c.ReservedCount, &c.ReservedAmount, &c.UsedCount, &c.UsedAmount, &c.RefundedAmount}
	if userID != "" {
		r.to = append(r.to, &r.day, &r.user[0], &r.user[1], &r.user[2], &r.user[3], &r.user[4])
	}
	return r
}

func (r *usageRow) add(u *usage) error {
	if u.now.IsZero() {
		if err := u.now.Scan([]byte(r.now)); err != nil {
			return err
		}
	}
	c := r.counter
	if r.quantity.Valid {
		quantity := r.quantity.Int64
		c.Quantity = &quantity
	}
	u.counters[c.BatchID] = &c
	if r.day.Valid {
		u.users[userDay{c.BatchID, r.userID, r.day.String}] = models.Usage{
			ReservedCount: r.user[0].Int64, ReservedAmount: r.user[1].Int64, UsedCount: r.user[2].Int64, UsedAmount: r.user[3].Int64,
			RefundedAmount: r.user[4].Int64,
		}
	}
	return nil
}
