package store

import "database/sql"

// SQL is the pool behind a store, for tests that look at rows, forge them or damage them.
func (s *Store) SQL() *sql.DB { return s.sql }
