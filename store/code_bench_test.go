package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

// BenchmarkMakeCodes makes and stores codes, in the slices of the worker, beside plain INSERTs of as many rows of the same
// table: one iteration is 10,000 codes.
func BenchmarkMakeCodes(b *testing.B) {
	const slice = 10_000
	s := storetest.MySQL(b)
	f := storetest.New(b, s)
	rate := func(b *testing.B) { b.ReportMetric(float64(b.N)*slice/b.Elapsed().Seconds(), "codes/s") }
	b.Run("made", func(b *testing.B) {
		batch := f.Batch(storetest.BatchSpec{Codes: models.CodesSingle})
		job, _, err := s.CreateCodeJob(b.Context(), models.CodeJob{BatchID: batch.ID, Count: models.MaxCodesAtOnce}, models.AuditRecord{})
		require.NoError(b, err)
		for b.Loop() {
			if job, err = s.MakeCodes(b.Context(), job.ID, slice); err != nil {
				b.Fatal(err)
			}
		}
		rate(b)
	})
	b.Run("plain", func(b *testing.B) {
		batch := f.Batch(storetest.BatchSpec{Codes: models.CodesSingle})
		g := models.NewCodeGenerator(models.CodeTerms{})
		const rows = 2_000
		text := "INSERT INTO codes (code_key, batch_id, kind, display, label, max_uses, uses, active, `generated`, seq, created_at, updated_at) VALUES " +
			strings.Repeat("(?, ?, 'single', ?, '', 1, 0, TRUE, TRUE, 1, NOW(6), NOW(6)),", rows)
		for b.Loop() {
			for range slice / rows {
				args := make([]any, 0, 3*rows)
				for range rows {
					key := g.Next().Key
					args = append(args, key, batch.ID, key)
				}
				if _, err := s.SQL().ExecContext(b.Context(), text[:len(text)-1], args...); err != nil {
					b.Fatal(err)
				}
			}
		}
		rate(b)
	})
}
