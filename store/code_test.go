package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

var (
	sharedCodes = storetest.BatchSpec{Codes: models.CodesShared}
	singleCodes = storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 3}
)

// create asks for codes with the displays, all switched on.
func (w *world) create(displays ...string) ([]models.CouponCode, error) {
	codes := make([]models.CouponCode, len(displays))
	for i, d := range displays {
		codes[i] = models.CouponCode{Display: d, Active: true}
	}
	return w.s.CreateCodes(w.t.Context(), w.batch.ID, codes, models.AuditRecord{Actor: "key_1", Action: "codes.create", Reason: "spring"})
}

// claimBy claims by a code alone.
func (w *world) claimBy(userID, code string) store.ClaimRequest {
	return store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), Code: code, UserID: userID}
}

func TestCreateCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, sharedCodes)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		asked := models.CouponCode{
			Display: " Spring-" + storetest.Name("x"), Label: "radio", MaxUses: new(int64(7)), Active: true, ValidUntil: now.Add(time.Hour),
			Uses: 5, Seq: 9, BatchID: "bat_other", // not for a caller to set
		}
		record := models.AuditRecord{Actor: "key_1", Action: "codes.create", Reason: "spring"}
		made, err := s.CreateCodes(t.Context(), w.batch.ID, []models.CouponCode{asked}, record)
		require.NoError(t, err)
		got := made[0]
		assert.Equal(t, models.CodeKey(asked.Display), got.CodeKey)
		assert.Equal(t, []any{w.batch.ID, models.CodesShared, int64(0), int64(1)}, []any{got.BatchID, got.Kind, got.Uses, got.Seq})
		stored, err := s.Code(t.Context(), got.CodeKey)
		require.NoError(t, err)
		assert.Equal(t, got, stored)
		log, err := s.AuditLog(t.Context(), w.batch.ID)
		require.NoError(t, err)
		newest := log[len(log)-1]
		assert.Equal(t, []string{"key_1", "codes.create", "spring"}, []string{newest.Actor, newest.Action, newest.Reason})
		assert.Equal(t, map[string]any{"codes": 1.0, "first": got.CodeKey}, newest.Detail)

		require.Nil(t, claimOne(t, s, w.claimBy(w.user, got.CodeKey)).Err)
		again, err := s.CreateCodes(t.Context(), w.batch.ID, []models.CouponCode{asked, asked}, record)
		require.NoError(t, err)
		assert.EqualValues(t, 1, again[0].Uses, "as it is now")
		assert.Equal(t, again[0], again[1])
		after, err := s.AuditLog(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Len(t, after, len(log), "again changes nothing")
		_, err = s.Code(t.Context(), "NOBODY")
		requireCode(t, models.CodeNotFound, err)
	})
}

func TestCreateCodesRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, other := newWorld(t, s, sharedCodes), newWorld(t, s, sharedCodes)
		taken, fresh := storetest.Name("taken"), storetest.Name("fresh")
		_, err := other.create(taken)
		require.NoError(t, err)
		_, err = w.create(fresh, taken)
		requireCode(t, models.CodeTaken, err)
		var refusal *models.Error
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, models.CodeKey(taken), refusal.Params["code"])
		_, err = s.Code(t.Context(), models.CodeKey(fresh))
		requireCode(t, models.CodeNotFound, err, "all or none")

		_, err = other.create(taken + " ")
		requireCode(t, models.CodeTaken, err, "the same key written otherwise")
		_, err = w.create("\t")
		requireCode(t, models.CodeInvalidRequest, err)
		_, err = newWorld(t, s, storetest.BatchSpec{}).create(fresh)
		requireCode(t, models.CodeInvalidRequest, err, "a batch without codes")
		single := []models.CouponCode{{Display: fresh, Kind: models.CodesSingle}}
		_, err = s.CreateCodes(t.Context(), w.batch.ID, single, models.AuditRecord{})
		requireCode(t, models.CodeInvalidRequest, err, "another kind")
		_, err = s.CreateCodes(t.Context(), "bat_nobody", single, models.AuditRecord{})
		requireCode(t, models.CodeNotFound, err)
		none, err := w.create()
		require.NoError(t, err)
		assert.Empty(t, none)
	})
}

// TestSingleCodesTakeStock keeps a coupon for every code that is out.
func TestSingleCodesTakeStock(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, singleCodes)
		first, second := storetest.Name("a"), storetest.Name("b")
		made, err := w.create(first, second)
		require.NoError(t, err)
		assert.EqualValues(t, 1, *made[0].MaxUses)
		require.Nil(t, claimOne(t, s, w.claimBy(w.user, made[0].CodeKey)).Err)
		_, err = w.create(storetest.Name("c"), storetest.Name("d"))
		requireCode(t, models.CodeSoldOut, err)
		var refusal *models.Error
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, map[string]any{"remaining": int64(1), "unused_codes": int64(1), "more_codes": int64(2)}, refusal.Params)
		_, err = w.create(first, second, storetest.Name("c"))
		require.NoError(t, err, "one of its own is left")
		_, err = w.create(storetest.Name("d"))
		requireCode(t, models.CodeSoldOut, err)
		w.AuditClean(w.batch.ID)
	})
}

func TestCodesPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, sharedCodes)
		newWorld(t, s, sharedCodes).codes(2)
		keys := w.codes(5)
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			page, err := s.Codes(t.Context(), store.CodeQuery{BatchID: w.batch.ID, After: after, Limit: 2})
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, names(page, func(c models.CouponCode) string { return c.CodeKey })...)
		}
		assert.ElementsMatch(t, keys, got)
		assert.IsIncreasing(t, got)
	})
}

func TestChangeCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, sharedCodes)
		key := w.Code(w.batch.ID, 0)
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		for range 2 {
			require.Nil(t, claimOne(t, s, w.claimBy(w.user, key)).Err)
		}
		change := func(c store.CodeChange) (models.CouponCode, error) {
			c.CodeKey, c.Audit = key, models.AuditRecord{Actor: "key_1", Action: "code.change", Reason: "leaked"}
			return s.ChangeCode(t.Context(), c)
		}
		_, err = change(store.CodeChange{MaxUses: new(int64(1))})
		requireCode(t, models.CodeCapBelowUse, err)
		for _, tt := range []struct {
			change store.CodeChange
			want   models.Code // of the next claim
		}{
			{store.CodeChange{MaxUses: new(int64(2))}, models.CodeUsedUp},
			{store.CodeChange{MaxUses: new(int64(0))}, ""},
			{store.CodeChange{Active: new(false), Label: new("leaked")}, models.CodeInactive},
			{store.CodeChange{Active: new(true), ValidFrom: new(now.Add(time.Hour))}, models.CodeNotStarted},
			{store.CodeChange{ValidFrom: new(models.Time{}), ValidUntil: &now}, models.CodeOver},
			{store.CodeChange{ValidUntil: new(models.Time{})}, ""},
		} {
			before, err := s.Code(t.Context(), key)
			require.NoError(t, err)
			changed, err := change(tt.change)
			require.NoError(t, err)
			assert.Equal(t, before.Seq+1, changed.Seq)
			again, err := change(tt.change)
			require.NoError(t, err)
			assert.Equal(t, changed, again, "again changes nothing")
			assert.Equal(t, tt.want, code(claimOne(t, s, w.claimBy(w.user, key)).Err))
		}
		last, err := s.Code(t.Context(), key)
		require.NoError(t, err)
		assert.Equal(t, "leaked", last.Label)
		assert.Nil(t, last.MaxUses)
		log, err := s.AuditLog(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Len(t, log, 2+6, "publication, creation, and each change once")
		assert.Equal(t, map[string]any{"code": key}, log[len(log)-1].Detail)
		_, err = s.ChangeCode(t.Context(), store.CodeChange{CodeKey: "NOBODY"})
		requireCode(t, models.CodeNotFound, err)
		w.AuditClean(w.batch.ID)

		single := newWorld(t, s, singleCodes)
		key = single.Code(single.batch.ID, 0)
		_, err = change(store.CodeChange{MaxUses: new(int64(2))})
		requireCode(t, models.CodeInvalidRequest, err)
	})
}

// TestClaimByCode asks with and without codes; the batch is the code's, and the key's answer does not depend on the code.
func TestClaimByCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, onUseOnly := newWorld(t, s, sharedCodes), newWorld(t, s, storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared})
		key, spent := w.Code(w.batch.ID, 2), w.Code(w.batch.ID, 1)
		first := w.claimBy(w.user, key)
		got := claimOne(t, s, first)
		require.Nil(t, got.Err)
		assert.Equal(t, w.batch.ID, got.Coupon.BatchID)
		assert.Equal(t, key, *got.Coupon.CodeKey)
		assert.Equal(t, *got.Coupon, w.Coupon(*got.Coupon))
		require.Nil(t, claimOne(t, s, w.claimBy(w.user, spent)).Err)

		both, mismatch := w.claimBy(w.user, key), w.claimBy(w.user, key)
		both.BatchID, mismatch.BatchID = w.batch.ID, onUseOnly.batch.ID
		again := first
		again.Code = spent
		out, err := s.Claim(t.Context(), []store.ClaimRequest{
			first, again, w.claimOf(w.user), w.claimBy(w.user, "NOBODY"), mismatch, w.claimBy(w.user, spent),
			w.claimBy(w.user, onUseOnly.codes(1)[0]), both, w.claimBy(w.user, key),
		})
		require.NoError(t, err)
		codes := make([]models.Code, len(out))
		for i, o := range out {
			codes[i] = code(o.Err)
		}
		assert.Equal(t, []models.Code{
			"", models.CodeIdempotencyKeyReused, models.CodeRequired, models.CodeNotValid, models.CodeNotValid, models.CodeUsedUp, models.CodeClaimModeForbids, "", models.CodeUsedUp,
		}, codes)
		assert.Equal(t, got.Coupon.ID, out[0].Coupon.ID)
		assert.True(t, out[0].Replayed, "the key decides")
		assert.EqualValues(t, 2, w.uses(key))
		w.AuditClean(w.batch.ID, onUseOnly.batch.ID)
	})
}
