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
	for rows.Next() {
		if err := u.scan(rows, userID); err != nil {
			return u, asError(err)
		}
	}
	return u, asError(rows.Err())
}

// usageSQL asks for the counters of all, and of the user if there is one.
func usageSQL(clock, userID string, at models.Time) (query string, args []any) {
	const counters = ", c.batch_id, c.state, c.paused, c.quantity, c.remaining, c.issued, c.face_amount, " +
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

func (u *usage) scan(rows *sql.Rows, userID string) error {
	var c models.BatchCounter
	var now sql.RawBytes // the same in every row
	var day sql.NullString
	var user [5]sql.NullInt64
	to := []any{&now, &c.BatchID, &c.State, &c.Paused, &c.Quantity, &c.Remaining, &c.Issued, &c.FaceAmount,
		&c.ReservedCount, &c.ReservedAmount, &c.UsedCount, &c.UsedAmount, &c.RefundedAmount}
	if userID != "" {
		to = append(to, &day, &user[0], &user[1], &user[2], &user[3], &user[4])
	}
	if err := rows.Scan(to...); err != nil {
		return err
	}
	if u.now.IsZero() {
		if err := u.now.Scan([]byte(now)); err != nil {
			return err
		}
	}
	u.counters[c.BatchID] = &c
	if day.Valid {
		u.users[userDay{c.BatchID, userID, day.String}] = models.Usage{
			ReservedCount: user[0].Int64, ReservedAmount: user[1].Int64, UsedCount: user[2].Int64, UsedAmount: user[3].Int64, RefundedAmount: user[4].Int64,
		}
	}
	return nil
}
