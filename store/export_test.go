package store

import "database/sql"

// SQL is the pool behind a store, for tests that look at rows, forge them or damage them.
func (s *Store) SQL() *sql.DB { return s.sql }

// WriteUnseen has codes written without looking whether they exist, however few there can be.
func (s *Store) WriteUnseen() { s.unseen = true }
