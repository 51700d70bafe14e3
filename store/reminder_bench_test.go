package store_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

const (
	// envReminders is how many coupons are due in BenchmarkReminders; unset: 20,000.
	envReminders = "TEAROFF_BENCH_REMINDERS"
	// remindPage is how many coupons one transaction looks at, as a worker has it.
	remindPage = 1_000
)

// BenchmarkReminders reminds the owners of many coupons that are due one morning, and of a tenth as many, page by page, beside
// plain INSERTs of the same message rows. The heap is what was alive or not yet collected after a page, at most.
//
//	TEAROFF_BENCH_REMINDERS=500000 make gobench BENCH=Reminders PKG=./store ARGS='-benchtime 1x'
func BenchmarkReminders(b *testing.B) {
	n := 20_000
	if text := os.Getenv(envReminders); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	for _, coupons := range []int{n / 10, n} {
		var m *morning
		all := b // which stores outlive
		b.Run(fmt.Sprint("coupons=", coupons), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				m = newMorning(all, coupons)
				b.StartTimer()
				took, heap := m.remind(b)
				b.ReportMetric(float64(coupons)/took.Seconds(), "reminders/s")
				b.ReportMetric(heap, "heap-MB")
			}
		})
		b.Run(fmt.Sprint("plain=", coupons), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(float64(coupons)/m.plain(b).Seconds(), "reminders/s")
			}
		})
	}
}

// morning is a batch whose coupons all end tomorrow, at a time of day at which their owners have to be told.
type morning struct {
	s       *store.Store
	batch   store.BatchRow
	coupons int
}

func newMorning(b *testing.B, coupons int) *morning {
	b.Helper()
	s := storetest.Alone(b, store.Options{})
	m := &morning{s: s, coupons: coupons, batch: noonBatch(b, s, models.ViaInbox)}
	d, err := s.CreateDistribution(b.Context(), store.NewDistribution{
		Distribution: models.Distribution{BatchID: m.batch.ID, Caller: "bench"}, UserIDs: crowdOf(b, s, coupons),
	})
	must(b, err)
	_, err = s.BeginDistribution(b.Context(), d.ID)
	must(b, err)
	for judged := 1; judged > 0; {
		out, err := s.IssueRange(b.Context(), d.ID, remindPage)
		must(b, err)
		judged = out.Judged
	}
	ageCoupons(b, s, m.batch.ID)
	_, _, err = s.PlanReminders(b.Context(), "", 10)
	must(b, err)
	return m
}

// noonBatch is a batch in whose zone it is about noon, so that no test runs over its midnight. Its coupons end tomorrow, and since
// this midnight their owners are to be told, through the channels.
func noonBatch(t testing.TB, s *store.Store, channels ...models.Channel) store.BatchRow {
	t.Helper()
	now, err := s.Now(t.Context())
	require.NoError(t, err)
	template := models.NewID(models.PrefixTemplate)
	_, err = s.SQL().ExecContext(t.Context(), "INSERT INTO templates (id, version, merchant_id, name, kind, channels, locale, texts, created_at) "+
		"VALUES (?, 1, 'm1', ?, 'reminder', ?, 'en', '{}', ?)", template, template, jsonList(channels), "2026-01-01 00:00:00.000000")
	require.NoError(t, err)
	batch := storetest.New(t, s).Batch(storetest.BatchSpec{
		TimeZone:   fmt.Sprintf("Etc/GMT%+d", now.UTC().Hour()-12), // the sign is the other way round
		ValidUntil: models.NewTime(now.Add(24 * time.Hour).Time),
	})
	// Past the store, which makes up for nothing that was due before the notices were set.
	notices := models.Notices{Reminders: []models.Threshold{{DaysBefore: 1, At: "00:00", LateHours: models.MaxLateHours, TemplateID: template}}}
	_, err = s.SQL().ExecContext(t.Context(), "UPDATE batches SET notices = ? WHERE id = ?", notices, batch.ID)
	require.NoError(t, err)
	return batch
}

func jsonList(channels []models.Channel) string {
	words := make([]string, len(channels))
	for i, c := range channels {
		words[i] = strconv.Quote(string(c))
	}
	return "[" + strings.Join(words, ",") + "]"
}

// ageCoupons makes the batch's coupons older than the day on which their owners are told.
func ageCoupons(t testing.TB, s *store.Store, batchID string) {
	t.Helper()
	_, err := s.SQL().ExecContext(t.Context(), "UPDATE ledger_entries SET at = ? WHERE batch_id = ?", "2026-01-01 00:00:00.000000", batchID)
	require.NoError(t, err)
}

// day is the notify day that is planned.
func day(t testing.TB, s *store.Store, batchID string) string {
	t.Helper()
	runs, err := s.ReminderRuns(t.Context(), batchID, "", 10)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	return runs[0].Day
}

// remind tells everybody, and says how long that took and how large the heap was.
func (m *morning) remind(b *testing.B) (took time.Duration, heapMB float64) {
	b.Helper()
	day, told := day(b, m.s, m.batch.ID), 0
	runtime.GC()
	for {
		began := time.Now()
		work, err := m.s.Remind(b.Context(), m.batch.ID, day, remindPage)
		took += time.Since(began)
		must(b, err)
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		heapMB = max(heapMB, float64(memory.HeapAlloc)/(1<<20))
		if told += work.Told; work.Done {
			require.Equal(b, m.coupons, told)
			return took, heapMB
		}
	}
}

// plain writes the messages once more into a table with the same keys, in transactions as large, and says how long that took.
func (m *morning) plain(b *testing.B) (took time.Duration) {
	b.Helper()
	db := m.s.SQL()
	_, err := db.ExecContext(b.Context(), "CREATE OR REPLACE TABLE plain_messages LIKE messages")
	must(b, err)
	rows, err := db.QueryContext(b.Context(), "SELECT * FROM messages ORDER BY id")
	must(b, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(b, err)
	var page []any
	flush := func() {
		began := time.Now()
		m.insert(b, page, len(columns))
		took += time.Since(began)
		page = page[:0]
	}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		must(b, rows.Scan(targets...))
		if page = append(page, values...); len(page) == remindPage*len(columns) {
			flush()
		}
	}
	must(b, rows.Err())
	flush()
	return took
}

// insert writes the values in one transaction, 500 rows with a statement.
func (m *morning) insert(b *testing.B, values []any, columns int) {
	b.Helper()
	tx, err := m.s.SQL().BeginTx(b.Context(), nil)
	must(b, err)
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	one := ", (?" + strings.Repeat(", ?", columns-1) + ")"
	for some := range slices.Chunk(values, 500*columns) {
		_, err := tx.ExecContext(b.Context(), "INSERT INTO plain_messages VALUES "+strings.Repeat(one, len(some)/columns)[2:], some...)
		must(b, err)
	}
	must(b, tx.Commit())
}
