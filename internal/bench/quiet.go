package bench

import (
	"context"
	"fmt"
	"time"
)

// quietAtMost is how many statements a second MySQL may get from a Tearoff that knows its answers: it looks again each
// second, with a few transactions, and its sweeper asks too. Each caller may add one a second, for the key that it sends.
const quietAtMost = 100

// quiet checks that a job hardly asks MySQL.
type quiet struct {
	env        *env
	statements int64
	since      time.Time
}

func (q *quiet) begin(ctx context.Context) (err error) {
	q.statements, err = q.env.statements(ctx)
	q.since = time.Now()
	return err
}

// check fails if MySQL got many statements since begin. On a server that others use too nobody knows whose they were.
func (q *quiet) check(ctx context.Context) error {
	now, err := q.env.statements(ctx)
	if err != nil {
		return err
	}
	rate := float64(now-q.statements) / time.Since(q.since).Seconds()
	q.env.tell("MySQL got %.0f statements a second meanwhile", rate)
	if most := quietAtMost + q.env.callers; q.env.options.MySQL == "" && rate > float64(most) {
		return fmt.Errorf("MySQL got more than %d statements a second", most)
	}
	return nil
}

// statements is how many MySQL has got from clients since it started.
func (e *env) statements(ctx context.Context) (n int64, err error) {
	var name string
	err = e.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &n)
	return n, err
}
