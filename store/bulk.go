package store

import "strings"

// bulkVariables bounds how many values one statement has; SQLite takes 32,766.
const bulkVariables = 32_000

// insertRows adds rows of one table with as few statements as can be. gorm's own way costs more than the server needs to
// store them.
func (tx *txn) insertRows(table string, columns []string, rows [][]any) error {
	atOnce := bulkVariables / len(columns)
	row := "(?" + strings.Repeat(",?", len(columns)-1) + ")"
	for len(rows) > 0 {
		n := min(len(rows), atOnce)
		args := make([]any, 0, n*len(columns))
		for _, values := range rows[:n] {
			args = append(args, values...)
		}
		text := "INSERT INTO " + table + " (" + strings.Join(columns, ",") + ") VALUES " + row + strings.Repeat(","+row, n-1)
		if _, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, text, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
