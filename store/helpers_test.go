package store_test

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// watched opens the shared MySQL with a layer that counts the server's errors.
func watched(t *testing.T) (*store.Store, *storetest.Faults) {
	t.Helper()
	faults := &storetest.Faults{}
	return storetest.Open(t, store.Options{MySQL: storetest.DSN(t), Wrap: faults.Wrap}), faults
}

// requireNoDeadlock fails when the server had to break a deadlock, or when something was sent after an error.
func requireNoDeadlock(t *testing.T, faults *storetest.Faults) {
	t.Helper()
	require.Zero(t, faults.Count(1213), "deadlocks")
	require.Empty(t, faults.Breaches(), "sent after an error")
}

// code is the code of a refusal; "" for none.
func code(err *models.Error) models.Code {
	if err == nil {
		return ""
	}
	return err.Code
}

// one is the error of a slice of one.
func one(out []store.RedemptionOutcome, err error) error {
	if err == nil && out[0].Err != nil {
		err = out[0].Err
	}
	return err
}

func requireCode(t *testing.T, want models.Code, err error, what ...any) {
	t.Helper()
	if models.CodeOf(err) != want {
		t.Fatalf("%v: want code %q, got %q: %v", what, want, models.CodeOf(err), err)
	}
}

// together runs f n times at once and returns when all have ended.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// exec runs SQL past the store and fails unless it changes rows.
func exec(t *testing.T, s *store.Store, query string, args ...any) {
	t.Helper()
	res, err := s.SQL().ExecContext(t.Context(), query, args...)
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	require.NotZero(t, n, "no row was changed by %s", query)
}

// query returns each row as its columns joined by blanks, sorted.
func query(t *testing.T, s *store.Store, text string, args ...any) []string {
	t.Helper()
	rows, err := s.SQL().QueryContext(t.Context(), text, args...)
	require.NoError(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	require.NoError(t, err)
	list := []string{}
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		targets := make([]any, len(names))
		for i := range values {
			targets[i] = &values[i]
		}
		require.NoError(t, rows.Scan(targets...))
		words := make([]string, len(names))
		for i, v := range values {
			words[i] = cmp.Or(v.String, "-")
		}
		list = append(list, strings.Join(words, " "))
	}
	require.NoError(t, rows.Err())
	slices.Sort(list)
	return list
}

// in makes "(?,?,…)" and its arguments.
func in(ids []string) (marks string, args []any) {
	for _, id := range ids {
		args = append(args, id)
	}
	return "(" + strings.TrimSuffix(strings.Repeat("?,", len(ids)), ",") + ")", args
}

// pictures describes everything that belongs to each redemption, without ids and times: two redemptions that were
// treated the same look the same.
func pictures(t *testing.T, s *store.Store, ids ...string) map[string]string {
	t.Helper()
	marks, args := in(ids)
	all := map[string][]string{}
	for _, part := range []struct{ name, text string }{
		{"redemption", "SELECT id, state, outcome, stuck, CASE WHEN due_at IS NULL THEN 'rests' ELSE 'due' END, order_id IS NOT NULL, resolution IS NOT NULL FROM redemptions WHERE id IN "},
		{"branch", "SELECT redemption_id, branch, state FROM tcc_branches WHERE redemption_id IN "},
		{"order", "SELECT redemption_id, state, total FROM orders WHERE redemption_id IN "},
		{"payment", "SELECT redemption_id, state, attempt, method, reference IS NOT NULL, sent_at IS NOT NULL, callback_at IS NOT NULL, " +
			"stray, amount, charged_back FROM payments WHERE redemption_id IN "},
		{"attempt", "SELECT redemption_id, attempt, state, stray FROM payment_attempts WHERE redemption_id IN "},
		{"coupon", "SELECT l.redemption_id, c.state, c.seq, c.redemption_id IS NOT NULL FROM redemption_lines l " +
			"JOIN coupons c ON c.id = l.coupon_id WHERE l.redemption_id IN "},
		{"entry", "SELECT l.redemption_id, e.coupon_seq, e.kind, e.`count`, e.amount FROM redemption_lines l " +
			"JOIN ledger_entries e ON e.coupon_id = l.coupon_id WHERE l.redemption_id IN "},
		{"audit log", "SELECT subject, action, reason FROM audit_log WHERE subject IN "},
	} {
		for _, row := range query(t, s, part.text+marks, args...) {
			id, rest, _ := strings.Cut(row, " ")
			all[id] = append(all[id], part.name+": "+rest)
		}
	}
	holders := orderHolders(t, s, ids)
	texts := make(map[string]string, len(ids))
	for _, id := range ids {
		all[id] = append(all[id], fmt.Sprint("has its order: ", holders[id] == id))
		texts[id] = strings.Join(all[id], "\n")
	}
	return texts
}

// orderHolders says which redemption has the order of each that has one.
func orderHolders(t *testing.T, s *store.Store, ids []string) map[string]string {
	t.Helper()
	marks, args := in(ids)
	where := " FROM redemptions WHERE order_id IS NOT NULL AND id IN " + marks
	callers := byFirst(query(t, s, "SELECT id, caller"+where, args...))
	hashes := byFirst(query(t, s, "SELECT id, order_id"+where, args...))
	if len(hashes) == 0 {
		return nil
	}
	for id, order := range hashes {
		hashes[id] = models.OrderName(callers[id], order).Value
	}
	marks, args = in(slices.Concat(slices.Collect(maps.Values(callers)), slices.Collect(maps.Values(hashes))))
	byHash := byFirst(query(t, s, "SELECT value, redemption_id FROM redemption_names WHERE kind = 'order' AND caller IN "+marks+
		" AND value IN "+marks, append(args, args...)...))
	for id, hash := range hashes {
		hashes[id] = byHash[hash]
	}
	return hashes
}

// byFirst are rows of two words by the first one.
func byFirst(rows []string) map[string]string {
	m := make(map[string]string, len(rows))
	for _, row := range rows {
		first, rest, _ := strings.Cut(row, " ")
		m[first] = rest
	}
	return m
}

func picture(t *testing.T, s *store.Store, id string) string {
	t.Helper()
	return pictures(t, s, id)[id]
}

// rawState reads one text column of one row.
func rawState(t *testing.T, s *store.Store, table, where string, args ...any) string {
	t.Helper()
	rows := query(t, s, fmt.Sprintf("SELECT state FROM %s WHERE %s", table, where), args...)
	require.LessOrEqual(t, len(rows), 1)
	if len(rows) == 0 {
		return ""
	}
	return rows[0]
}
