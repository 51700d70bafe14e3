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

// thenJoin joins a table to the one before it in this order.
func (s *Store) thenJoin() string {
	if s.dialect == SQLite {
		return " CROSS JOIN "
	}
	return " STRAIGHT_JOIN "
}

// byPrimaryKey reads a table in the order of its primary key, whatever its other indexes promise.
func (s *Store) byPrimaryKey() string {
	if s.dialect == SQLite {
		return " INDEXED BY sqlite_autoindex_users_1"
	}
	return " FORCE INDEX (PRIMARY)"
}

// addFailuresSQL adds to the count that is there already.
func (s *Store) addFailuresSQL() string {
	if s.dialect == SQLite {
		return "ON CONFLICT (since, subject) DO UPDATE SET failures = failures + excluded.failures"
	}
	return "ON DUPLICATE KEY UPDATE failures = failures + VALUES(failures)"
}
