package store

import (
	"slices"
	"strings"
)

// column is a column with what each row has in it.
type column[T any] struct {
	name  string
	value func(T) any
}

// keyed are rows of one table in the order of their keys.
type keyed[T any] struct {
	rows   []T
	column string // of the key
	key    func(T) string
}

// update is an UPDATE of rows, each with values of its own, in one compare-and-set over their sequences.
type update[T any] struct {
	keyed[T]
	table string
	set   []column[T]
	and   condition // beside the keys, and the sequences in from; "": none
	from  column[T] // the sequence that each row had
}

// run writes the rows; of no rows nothing.
func (u update[T]) run(tx *txn) error {
	if len(u.rows) == 0 {
		return nil
	}
	set := make([]string, len(u.set))
	var args []any
	for i, c := range u.set {
		set[i], args = u.each(args, c)
		set[i] = c.name + " = " + set[i]
	}
	where := " WHERE " + u.column + " IN ?"
	args = append(args, u.keys())
	if u.and.sql != "" {
		where, args = where+" AND "+u.and.sql, append(args, u.and.args...)
	}
	from, args := u.each(args, u.from)
	return tx.guard(int64(len(u.rows)), "UPDATE "+u.table+" SET "+strings.Join(set, ", ")+where+" AND "+u.from.name+" = "+from, args...)
}

func (k keyed[T]) keys() []string { return keysOf(k.rows, k.key) }

// each is SQL that gives each row its own value by its key, with its arguments appended to args. Values are comparable. It halves
// the rows again and again until one value is left: were it a list of all keys, the server would have to go through half of it
// for each row.
func (k keyed[T]) each(args []any, c column[T]) (string, []any) {
	first := c.value(k.rows[0])
	if !slices.ContainsFunc(k.rows, func(r T) bool { return c.value(r) != first }) {
		return "?", append(args, first)
	}
	half := len(k.rows) / 2
	lower, upper := k, k
	lower.rows, upper.rows = k.rows[:half], k.rows[half:]
	below, args := lower.each(append(args, k.key(k.rows[half])), c)
	above, args := upper.each(args, c)
	return "CASE WHEN " + k.column + " < ? THEN " + below + " ELSE " + above + " END", args
}

func keysOf[T any](rows []T, key func(T) string) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = key(r)
	}
	return keys
}
