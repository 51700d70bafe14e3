package models_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

func TestLimitHashFoldsMailboxes(t *testing.T) {
	t.Parallel()
	hash := func(address string) string {
		return models.LimitHash(models.Identity{Kind: models.IdentityEmail, Value: address})
	}
	for _, same := range [][2]string{
		{"a@x.test", "a+news@x.test"}, {"a@x.test", "a+b+c@x.test"}, {"a.b.c@gmail.com", "abc@googlemail.com"}, {"ab+1@gmail.com", "a.b@gmail.com"},
	} {
		assert.Equal(t, hash(same[0]), hash(same[1]), same)
	}
	for _, other := range [][2]string{
		{"a@x.test", "a@y.test"}, {"a.b@x.test", "ab@x.test"}, {"+a@x.test", "+b@x.test"}, {"a", "b"}, {"a@x.test", "A@x.test"},
	} {
		assert.NotEqual(t, hash(other[0]), hash(other[1]), other)
	}
}

func TestLimitKeysAreEachOnce(t *testing.T) {
	t.Parallel()
	ref := models.UserRef{ID: "u", Email: "A@x.test", Card: "c"}
	assert.Len(t, ref.LimitKeys(), 2, "the id is counted as the user")
	assert.Equal(t, ref.LimitKeys(), models.LimitKeys([]models.Identity{
		{Kind: models.IdentityEmail, Value: "a@x.test"}, {Kind: models.IdentityEmail, Value: "a+b@x.test"}, {Kind: models.IdentityCard, Value: "c"},
	}))
	assert.Empty(t, models.UserRef{}.LimitKeys())
}

// TestDrawFace draws a whole batch at a time.
func TestDrawFace(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		quantity, budget := int64(100), 100*(100+random.Int64N(900))
		batch := models.Batch{FaceMin: 100, FaceMax: 1000, Caps: models.Caps{Batch: models.Cap{Amount: &budget}}}
		counter := models.BatchCounter{Quantity: &quantity, Remaining: quantity}
		for ; counter.Remaining > 0; counter.Remaining-- {
			face := batch.DrawFace(counter, random.Int64N)
			assert.True(t, 100 <= face && face <= 1000, face)
			counter.FaceAmount += face
		}
		assert.LessOrEqual(t, counter.FaceAmount, budget)
	}
	many := int64(10_000_000)
	batch := models.Batch{FaceMin: 100_000, FaceMax: 500_000}
	most := batch.DrawFace(models.BatchCounter{Quantity: &many, Remaining: many}, func(n int64) int64 { return n - 1 })
	assert.EqualValues(t, 500_000, most, "without money to share, a large batch draws from the whole range")
	assert.Zero(t, models.Batch{}.DrawFace(models.BatchCounter{}, nil))
}
