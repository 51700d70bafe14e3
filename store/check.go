package store

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// CheckSettings looks at what the server must be set to for Tearoff's promises, and returns what is amiss in words. It
// returns nothing when all is well, and one line when the server can't be asked.
func (s *Store) CheckSettings(ctx context.Context) []string {
	if s.dialect == SQLite {
		return nil
	}
	var isolation, mode, version string
	var flush, lockWait int
	var clock string
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return []string{"the server can't be asked for its settings yet"}
	}
	defer conn.Close()
	err = conn.QueryRowContext(ctx, "SELECT @@sql_mode, @@innodb_flush_log_at_trx_commit, @@innodb_lock_wait_timeout, VERSION(), UTC_TIMESTAMP(6)").
		Scan(&mode, &flush, &lockWait, &version, &clock)
	if err == nil {
		variable := "transaction_isolation"
		if strings.Contains(version, "MariaDB") {
			variable = "tx_isolation" // until MariaDB 11.1, which knows both
		}
		err = conn.QueryRowContext(ctx, "SELECT @@"+variable).Scan(&isolation)
	}
	if err != nil {
		return []string{"the server can't be asked for its settings yet"}
	}
	var amiss []string
	warn := func(wrong bool, format string, args ...any) {
		if wrong {
			amiss = append(amiss, fmt.Sprintf(format, args...))
		}
	}
	warn(isolation != "READ-COMMITTED", "isolation is %s, not READ-COMMITTED", isolation)
	warn(!strings.Contains(mode, "STRICT_ALL_TABLES"), "sql_mode lacks STRICT_ALL_TABLES: %s", mode)
	warn(flush != 1, "innodb_flush_log_at_trx_commit is %d: a power cut loses transactions that were answered for", flush)
	warn(lockWait > 10, "innodb_lock_wait_timeout is %d s: one stuck transaction would hold up all others", lockWait)
	if server, err := time.ParseInLocation(timeFormat, clock, time.UTC); err == nil {
		drift := time.Since(server).Abs()
		warn(drift > 5*time.Second, "the server's clock and ours are %s apart; deadlines follow the server's", drift.Round(time.Second))
	}
	return amiss
}

// timeFormat is how MySQL writes DATETIME(6).
const timeFormat = "2006-01-02 15:04:05.000000"
