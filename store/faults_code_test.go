package store_test

import (
	"context"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// codeJobTrials do the step of a job that has number at.
func codeJobTrials(at int) func(w *world, n int) []trial {
	return func(w *world, n int) []trial {
		trials := make([]trial, n)
		for i := range trials {
			spec := storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 9, CodeTerms: models.CodeTerms{LowWater: 2, Refill: 4}}
			own := world{Fixture: w.Fixture, t: w.t, s: w.s, batch: w.Batch(spec)}
			id := ""
			if at > 0 && at < 4 {
				id = own.job(6).ID
			}
			if at == 3 {
				own.make(id, 9)
			}
			trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
				return stepJob(ctx, s, at, own.batch.ID, id)
			}
			trials[i].look = lookAt("SELECT c.coded, c.remaining, c.ledger_seq, j.state, j.made, j.seq, (SELECT COUNT(*) FROM codes k WHERE k.batch_id = c.batch_id AND k.active = TRUE) "+
				"FROM batch_counters c LEFT JOIN code_jobs j ON j.batch_id = c.batch_id WHERE c.batch_id = ?", own.batch.ID)
		}
		return trials
	}
}

// stepJob answers without ids.
func stepJob(ctx context.Context, s *store.Store, at int, batchID, id string) (string, error) {
	var job models.CodeJob
	var err error
	record := models.AuditRecord{Action: "codes"}
	switch at {
	case 0:
		job, _, err = s.CreateCodeJob(ctx, models.CodeJob{BatchID: batchID, Count: 6, Caller: "test"}, record)
	case 1:
		job, err = s.MakeCodes(ctx, id, 2)
	case 2:
		job, err = s.CancelCodeJob(ctx, id, record)
	case 3:
		n, next, err := s.ReleaseCodes(ctx, store.CodeRelease{BatchID: batchID, Audit: record})
		return fmt.Sprint(n, next), err
	default:
		job, _, err = s.NextCodeJob(ctx, batchID)
	}
	return fmt.Sprint(job.State, job.Made, job.Count, job.Seq), err
}

// singleCodeTrials switch off a code that stock is kept for.
func singleCodeTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		batch := w.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 2})
		key := w.Code(batch.ID, 0)
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.ChangeCode(ctx, store.CodeChange{CodeKey: key, Active: new(false), Audit: models.AuditRecord{Action: "code.change"}})
			return fmt.Sprint(got.Active, got.Seq), err
		}
		trials[i].look = lookAt("SELECT coded, remaining, ledger_seq FROM batch_counters WHERE batch_id = ?", batch.ID)
	}
	return trials
}
