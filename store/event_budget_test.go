package store_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// Each level of a budget is told once, however many requests cross it together and however often it is crossed.
func TestBudgetEvents(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		caps := models.Caps{Batch: models.Cap{Uses: new(int64(10)), Amount: new(int64(4000))}}
		e := listen(t, s, storetest.BatchSpec{Caps: caps}, "budget.*")
		type level struct {
			kind   models.EventType
			budget models.Budget
			level  int
			used   int64
		}
		var want []level
		told := func(more ...level) {
			t.Helper()
			want = append(want, more...)
			var got []level
			for _, d := range e.heard() {
				v := data[models.BudgetEvent](t, d)
				assert.Equal(t, e.batch.ID, v.BatchID)
				assert.Equal(t, v.Budget == models.BudgetAmount, v.Currency != "")
				got = append(got, level{d.Type, v.Budget, v.Level, v.Used})
			}
			assert.Equal(t, want, got)
		}
		first := e.hold(3) // 1500 of 4000, 3 of 10
		told()
		second := e.hold(1)
		told(level{models.EventBudgetThreshold, models.BudgetAmount, 50, 2000})
		_, err := s.CancelHolds(t.Context(), []string{second[0].ID, first[0].ID})
		require.NoError(t, err)
		e.hold(2)
		told() // the same level again
		e.hold(4)
		told(
			level{models.EventBudgetThreshold, models.BudgetAmount, 80, 4000},
			level{models.EventBudgetThreshold, models.BudgetAmount, 100, 4000},
			level{models.EventBudgetExhausted, models.BudgetAmount, 100, 4000},
			level{models.EventBudgetThreshold, models.BudgetUses, 50, 8},
			level{models.EventBudgetThreshold, models.BudgetUses, 80, 8},
		)
		e.AuditClean(e.batch.ID)
	})
}

// Many processes' worth of requests sell a batch out at the same time, and that is told once.
func TestSoldOutIsToldOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Quantity: 40})
		users := make([]string, 60)
		for i := range users {
			users[i] = e.User()
		}
		together(len(users), func(i int) {
			_, err := s.ClaimOne(t.Context(), store.ClaimRequest{Caller: "test", Key: "k", BatchID: e.batch.ID, UserID: users[i]})
			assert.NoError(t, err)
		})
		count := map[models.EventType]int{}
		subjects := map[string]int{}
		for _, d := range e.heard() {
			count[d.Type]++
			if d.Type == models.EventCouponClaimed {
				subjects[d.Subject]++
			}
		}
		assert.Equal(t, map[models.EventType]int{models.EventBatchPublished: 1, models.EventCouponClaimed: 40, models.EventBatchSoldOut: 1}, count)
		assert.Len(t, subjects, 40, "each coupon once")
		e.AuditClean(e.batch.ID)
	})
}

// A bound that is lowered is told with all levels that it is filled to already; another edit tells nothing.
func TestBudgetEventsOfAnEdit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Uses: new(int64(10))}}}, "budget.*")
		e.hold(4)
		edit := func(change func(*models.Batch)) {
			row, err := s.Batch(t.Context(), e.batch.ID)
			require.NoError(t, err)
			change(&row.Batch)
			_, err = s.EditBatch(t.Context(), store.BatchEdit{Batch: row.Batch, Seen: row.Counter.ConfigVersion, Audit: models.AuditRecord{Action: "batch.edit"}})
			require.NoError(t, err)
		}
		edit(func(b *models.Batch) { b.Name = "another" })
		assert.Empty(t, e.heard())
		edit(func(b *models.Batch) { b.Caps.Batch.Uses = new(int64(5)) })
		told := []models.EventType{models.EventBudgetThreshold, models.EventBudgetThreshold}
		assert.Equal(t, told, types(e.heard()), "50 and 80 percent")
		edit(func(b *models.Batch) { b.Caps.Batch.Uses = new(int64(4)) })
		told = append(told, models.EventBudgetThreshold, models.EventBudgetThreshold, models.EventBudgetThreshold, models.EventBudgetExhausted)
		assert.Equal(t, told, types(e.heard()))
	})
}

// A batch is sold out when its last coupon is out, not when what is left is kept for codes that are.
func TestSoldOutThroughCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		e := listen(t, s, storetest.BatchSpec{Quantity: 1, Codes: models.CodesSingle}, "batch.sold_out")
		code := e.Code(e.batch.ID, 0)
		row, err := s.Batch(t.Context(), e.batch.ID)
		require.NoError(t, err)
		row.Products = &models.ProductTags{Text: "5 off"}
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		assert.Empty(t, e.heard())
		assert.True(t, row.ShowsTags(row.Counter, now))
		out, err := s.Claim(t.Context(), []store.ClaimRequest{{Caller: "test", Key: "k", Code: code, UserID: e.user}})
		require.NoError(t, err)
		require.Nil(t, out[0].Err)
		assert.Equal(t, []models.EventType{models.EventBatchSoldOut}, types(e.heard()))
		row, err = s.Batch(t.Context(), e.batch.ID)
		require.NoError(t, err)
		assert.False(t, row.ShowsTags(row.Counter, now))
	})
}
