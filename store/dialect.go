package store

// This file holds all SQL that one dialect lacks, in both forms.

func (s *Store) clockSQL() string {
	if s.dialect == SQLite {
		return "SELECT strftime('%Y-%m-%d %H:%M:%f000', 'now')"
	}
	return "SELECT UTC_TIMESTAMP(6)"
}
