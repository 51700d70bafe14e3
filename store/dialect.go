package store

// This file holds all SQL that one dialect lacks, in both forms.

// clock is the database's clock in an expression.
func (s *Store) clock() string {
	if s.dialect == SQLite {
		return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"
	}
	return "UTC_TIMESTAMP(6)"
}

func (s *Store) clockSQL() string { return "SELECT " + s.clock() }
