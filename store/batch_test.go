package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func TestBatchCreated(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		caps := models.Caps{Batch: models.Cap{Amount: new(int64(1000))}, UserDay: models.Cap{Uses: new(int64(2))}}
		limited := f.Batch(storetest.BatchSpec{Quantity: 7, ClaimsPerUser: 2, Caps: caps, Draft: true})
		assert.Equal(t, models.BatchCounter{
			BatchID: limited.ID, State: models.BatchDraft, ConfigVersion: 1, Quantity: new(int64(7)), Remaining: 7, LedgerSeq: 1,
		}, limited.Counter)
		read, err := s.Batch(t.Context(), limited.ID)
		require.NoError(t, err)
		assert.Equal(t, limited, read)
		assert.Equal(t, []string{"1 stocked 7 - -"}, query(t, s, "SELECT batch_seq, kind, count, coupon_id, user_id FROM ledger_entries WHERE batch_id = ?", limited.ID))

		unlimited := f.Batch(storetest.BatchSpec{Draft: true})
		assert.Nil(t, unlimited.Counter.Quantity)
		assert.Zero(t, unlimited.Counter.LedgerSeq)
		_, err = s.Batch(t.Context(), "bat_nobody")
		requireCode(t, models.CodeNotFound, err)
		f.AuditClean(limited.ID, unlimited.ID)

		for _, rule := range []models.Batch{{RuleID: "rul_nobody", RuleVersion: 1}, {RuleID: limited.RuleID, RuleVersion: 2}} {
			b := limited.Batch
			b.RuleID, b.RuleVersion, b.Name = rule.RuleID, rule.RuleVersion, storetest.Name("batch")
			_, err = s.CreateBatch(t.Context(), b, nil)
			requireCode(t, models.CodeNotFound, err)
			assert.Empty(t, query(t, s, "SELECT id FROM batches WHERE name = ?", b.Name))
		}
	})
}

// TestBatchChanges plays every change from every state, each twice.
func TestBatchChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		publish, end := store.BatchChange{To: models.BatchActive}, store.BatchChange{To: models.BatchEnded}
		draft, pause, resume := store.BatchChange{To: models.BatchDraft}, store.BatchChange{Pause: models.PauseClaims | models.PauseUse}, store.BatchChange{Resume: models.PauseUse}
		for _, tt := range []struct {
			name   string
			before []store.BatchChange
			change store.BatchChange
			want   models.Code
			state  models.BatchState
			paused models.PauseSet
			logged int // records of the change itself
		}{
			{"publish a draft", nil, publish, "", models.BatchActive, 0, 1},
			{"end a draft", nil, end, models.CodeStateConflict, models.BatchDraft, 0, 0},
			{"pause a draft", nil, pause, models.CodeStateConflict, models.BatchDraft, 0, 0},
			{"a draft stays one", nil, draft, "", models.BatchDraft, 0, 0},
			{"end an active one", []store.BatchChange{publish}, end, "", models.BatchEnded, 0, 1},
			{"an active one is no draft again", []store.BatchChange{publish}, draft, models.CodeStateConflict, models.BatchActive, 0, 0},
			{"pause an active one", []store.BatchChange{publish}, pause, "", models.BatchActive, models.PauseClaims | models.PauseUse, 1},
			{"resume a part", []store.BatchChange{publish, pause}, resume, "", models.BatchActive, models.PauseClaims, 1},
			{"resume what isn't paused", []store.BatchChange{publish}, resume, "", models.BatchActive, 0, 0},
			{"publish an ended one", []store.BatchChange{publish, end}, publish, models.CodeStateConflict, models.BatchEnded, 0, 0},
			{"pause the use of an ended one", []store.BatchChange{publish, end}, pause, "", models.BatchEnded, models.PauseClaims | models.PauseUse, 1},
			{"change nothing", []store.BatchChange{publish}, store.BatchChange{}, "", models.BatchActive, 0, 0},
		} {
			b := storetest.New(t, s).Batch(storetest.BatchSpec{Draft: true})
			for i, c := range append(tt.before, tt.change, tt.change) {
				c.BatchID = b.ID
				c.Audit = models.AuditRecord{Actor: "key_1", Action: tt.name, Reason: "because", Detail: map[string]any{"n": "1"}}
				row, err := s.ChangeBatch(t.Context(), c)
				if i < len(tt.before) {
					require.NoError(t, err)
					assert.Equal(t, b.ID, row.ID)
				} else {
					requireCode(t, tt.want, err, tt.name)
				}
			}
			row, err := s.Batch(t.Context(), b.ID)
			require.NoError(t, err)
			assert.Equal(t, tt.state, row.Counter.State, tt.name)
			assert.Equal(t, tt.paused, row.Counter.Paused, tt.name)
			log, err := s.AuditLog(t.Context(), b.ID)
			require.NoError(t, err)
			assert.Len(t, log, len(tt.before)+tt.logged, "%s: a repeat isn't logged", tt.name)
			assert.EqualValues(t, len(log)+1, row.Counter.ConfigVersion, tt.name)
			for _, r := range log {
				assert.Equal(t, []any{"key_1", tt.name, b.ID, "because", map[string]any{"n": "1"}}, []any{r.Actor, r.Action, r.Subject, r.Reason, r.Detail})
				assert.False(t, r.At.IsZero())
			}
		}
		_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: "bat_nobody", To: models.BatchActive})
		requireCode(t, models.CodeNotFound, err)
	})
}

// TestBatchPauseHoldsAtOnce pauses while claims come in: after the pause was answered no claim is accepted.
func TestBatchPauseHoldsAtOnce(t *testing.T) {
	t.Parallel()
	s := storetest.MySQL(t)
	w := newWorld(t, s, storetest.BatchSpec{})
	paused := make(chan struct{})
	late := make([]models.Code, 20)
	together(21, func(i int) {
		if i == 20 {
			_, err := s.ChangeBatch(t.Context(), store.BatchChange{BatchID: w.batch.ID, Pause: models.PauseClaims})
			assert.NoError(t, err)
			close(paused)
			return
		}
		_, err := s.Claim(t.Context(), w.claims(1))
		assert.NoError(t, err)
		<-paused
		out, err := s.Claim(t.Context(), w.claims(1))
		assert.NoError(t, err)
		late[i] = code(out[0].Err)
	})
	for _, got := range late {
		assert.Equal(t, models.CodeBatchPaused, got)
	}
}

func TestBatchesArePaged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f, merchant := storetest.New(t, s), storetest.Name("m")
		var all, active []string
		for i := range 5 {
			b := f.Batch(storetest.BatchSpec{MerchantID: merchant, Draft: i%2 == 0})
			all = append(all, b.ID)
			if i%2 == 1 {
				active = append(active, b.ID)
			}
		}
		for state, want := range map[models.BatchState][]string{"": all, models.BatchActive: active, models.BatchEnded: nil} {
			assert.Equal(t, want, paged(t, 2, func(p store.Page) ([]string, error) {
				p.MerchantID = merchant
				rows, err := s.Batches(t.Context(), p, state)
				return names(rows, func(b store.BatchRow) string { return b.ID }), err
			}), "state %q", state)
		}
		everybody, err := s.Batches(t.Context(), store.Page{Limit: 1000}, "")
		require.NoError(t, err)
		assert.Subset(t, names(everybody, func(b store.BatchRow) string { return b.ID }), all[:1])
	})
}
