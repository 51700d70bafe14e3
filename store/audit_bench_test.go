package store_test

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// envAuditEntries is how many ledger entries BenchmarkAudit makes; unset: 200,000.
const envAuditEntries = "TEAROFF_BENCH_ENTRIES"

// perCoupon is how many entries each coupon of the benchmark has: it is issued, locked, released, locked again and used.
const perCoupon = 5

// BenchmarkAudit audits one clean batch as a whole, and at most 100,000 of its redemptions, of ten coupons each.
//
//	TEAROFF_BENCH_ENTRIES=10000000 go run ./internal/testservers -- go test ./store -run '^$' -bench 'Audit' -benchtime 1x -benchmem
func BenchmarkAudit(b *testing.B) {
	n := 200_000
	if text := os.Getenv(envAuditEntries); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	s := storetest.Open(b, store.Options{MySQL: storetest.OwnDSN(b)})
	batch := storetest.New(b, s).Batch(storetest.BatchSpec{Quantity: int64(n)})
	loadLedger(b, s, batch.ID, n/perCoupon)
	some := min(n/perCoupon/5, 100_000)
	var batches, redemptions time.Duration
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		whole, _, err := s.AuditBatches(b.Context(), store.AuditSlice{})
		require.NoError(b, err)
		require.Empty(b, whole.Differences)
		require.EqualValues(b, n/perCoupon*perCoupon+1, whole.Entries)
		rest, _, err := s.AuditRedemptions(b.Context(), store.AuditSlice{Limit: some})
		require.NoError(b, err)
		require.Empty(b, rest.Differences)
		require.EqualValues(b, some, rest.Redemptions)
		batches += time.Duration(whole.TookMS) * time.Millisecond
		redemptions += time.Duration(rest.TookMS) * time.Millisecond
	}
	b.ReportMetric(float64(n)*float64(b.N)/batches.Seconds(), "entries/s")
	b.ReportMetric(float64(some)*float64(b.N)/redemptions.Seconds(), "redemptions/s")
	b.ReportMetric(peakRSS(b), "peak-MB")
}

// peakRSS is the most memory that this process has had.
func peakRSS(b *testing.B) float64 {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Maxrss) / 1024
}

// loadWords are what loadStatements are written with. Each user has ten coupons, that are not neighbours in the ledger, and
// each redemption ten that are.
var loadWords = []string{
	"{digits}", "(SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 " +
		"UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)",
	"{digit sum}", "a.d+10*b.d+100*c.d+1000*d.d+10000*e.d+100000*f.d+1000000*g.d",
	"{user}", "CONCAT('usr_', LPAD(MOD(n, GREATEST(1, {coupons} DIV 10)), 26, '0'))",
	"{coupon}", "CONCAT('cpn_', LPAD(n, 26, '0'))",
	"{tried}", "CONCAT('rdm_a', LPAD(n DIV 10, 25, '0'))",
	"{used}", "CONCAT('rdm_b', LPAD(n DIV 10, 25, '0'))",
	"{now}", "UTC_TIMESTAMP(6)",
	"{entry}", "INSERT INTO ledger_entries (coupon_seq, kind, amount, `day`, redemption_id, batch_seq, batch_id, coupon_id, user_id, `count`, `at`) ",
	"{of}", "'{batch}', {coupon}, {user}, 1, {now} FROM number",
	"{redemption}", "INSERT INTO redemptions (caller, merchant_id, kind, fingerprint, user_id, currency, goods, shipping, deadline, wake, stuck, created_at, " +
		"updated_at, discount, payable, content, seq, state, id) SELECT 'bench', 'm1', 'hold', 'f', 'usr', 'USD', 50000, 0, {now}, 0, 0, {now}, {now}, " +
		"500 * COUNT(*), 50000 - 500 * COUNT(*), CONCAT('{\"coupons\":[', GROUP_CONCAT('{\"coupon_id\":\"', {coupon}, '\",\"batch_id\":\"{batch}\",\"amount\":500}'), ']}'), 2, ",
	"{line}", "INSERT INTO redemption_lines (line_id, discount, platform_share, merchant_share, coupon_id, redemption_id) SELECT '1', 500, 500, 0, {coupon}, ",
	"{counter}", "INSERT INTO user_counters (`day`, batch_id, user_id, reserved_count, reserved_amount, used_count, used_amount, refunded_amount, seq) ",
	"{sum}", "'{batch}', {user}, 0, 0, COUNT(*), 500 * COUNT(*), 0, 1 FROM number GROUP BY {user}",
}

// loadStatements are multiplied by the server: number has a row for each coupon.
var loadStatements = []string{
	"CREATE TABLE number (n INT PRIMARY KEY) SELECT {digit sum} n FROM {digits} a, {digits} b, {digits} c, {digits} d, {digits} e, {digits} f, {digits} g " +
		"WHERE {digit sum} < {coupons}",
	"INSERT INTO coupons (id, batch_id, rule_id, rule_version, user_id, ordinal, state, seq, face_value, valid_from, valid_until, redemption_id, source, " +
		"source_key, created_at) SELECT {coupon}, '{batch}', 'rul', 1, {user}, n, 'USED', 5, 0, {now}, {now}, {used}, 'claim', n, {now} FROM number",
	"{entry} SELECT 1, 'issued', 0, '', NULL, 2 + n, {of}",
	"{entry} SELECT 2, 'locked', 500, '2026-01-01', {tried}, 2 + n + {coupons}, {of}",
	"{entry} SELECT 3, 'released', 500, '2026-01-01', {tried}, 2 + n + 2*{coupons}, {of}",
	"{entry} SELECT 4, 'locked', 500, '2026-01-01', {used}, 2 + n + 3*{coupons}, {of}",
	"{entry} SELECT 5, 'used', 500, '2026-01-01', {used}, 2 + n + 4*{coupons}, {of}",
	"{redemption} 'CANCELLED', {tried} FROM number GROUP BY n DIV 10",
	"{redemption} 'CONFIRMED', {used} FROM number GROUP BY n DIV 10",
	"{line} {tried} FROM number",
	"{line} {used} FROM number",
	"{counter} SELECT '', {sum}",
	"{counter} SELECT '2026-01-01', {sum}",
	"UPDATE batch_counters SET issued = {coupons}, remaining = quantity - {coupons}, used_count = {coupons}, used_amount = 500 * {coupons}, " +
		"ledger_seq = 1 + 5 * {coupons} WHERE batch_id = '{batch}'",
	"DROP TABLE number",
}

// loadLedger gives the batch coupons with their entries, counters, redemptions and lines.
func loadLedger(b *testing.B, s *store.Store, batchID string, coupons int) {
	b.Helper()
	words := strings.NewReplacer(append(slices.Clone(loadWords), "{batch}", batchID, "{coupons}", strconv.Itoa(coupons))...)
	for _, text := range loadStatements {
		for strings.Contains(text, "{") && words.Replace(text) != text {
			text = words.Replace(text)
		}
		_, err := s.SQL().ExecContext(b.Context(), text)
		require.NoError(b, err, text)
	}
}
