package models_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// docs/webhooks.md lists exactly the events that there are.
func TestEventsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/webhooks.md")
	require.NoError(t, err)
	var want strings.Builder
	seen := map[models.EventType]bool{}
	for _, e := range models.EventTypes() {
		assert.False(t, seen[e.Type], e.Type)
		seen[e.Type] = true
		assert.Regexp(t, `^[a-z]+\.[a-z_]+$`, e.Type)
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", e.Type, e.Subject, e.Meaning)
	}
	_, listed, found := strings.Cut(string(page), "| type | subject | meaning |\n|---|---|---|\n")
	require.True(t, found)
	assert.Equal(t, want.String(), listed)
}

func TestEventPatterns(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"*", "coupon.*", "coupon.claimed", "budget.threshold_reached"} {
		assert.Empty(t, models.CheckEventPattern(pattern), pattern)
	}
	for _, pattern := range []string{"", "coupon", "coupon.", "coup*", "*.claimed", "coupon.c*", "**", "coupon.eaten", "Coupon.*", "coupon.* "} {
		assert.NotEmpty(t, models.CheckEventPattern(pattern), pattern)
	}
	assert.True(t, models.EventCouponUsed.Matches("coupon.*"))
	assert.False(t, models.EventBatchEnded.Matches("coupon.*"))
}

func TestWants(t *testing.T) {
	t.Parallel()
	e := models.WebhookEndpoint{MerchantID: "m1", State: models.EndpointEnabled, Events: []string{"coupon.*", "batch.ended"}}
	assert.True(t, e.Wants("m1", models.EventCouponUsed))
	assert.True(t, e.Wants("m1", models.EventBatchEnded))
	assert.False(t, e.Wants("m1", models.EventBatchPaused))
	assert.False(t, e.Wants("m2", models.EventCouponUsed))
	assert.False(t, e.Wants("", models.EventCouponUsed), "the platform's own are not the merchant's")
	e.MerchantID = ""
	assert.True(t, e.Wants("m2", models.EventCouponUsed))
	e.State = models.EndpointDisabled
	assert.False(t, e.Wants("m2", models.EventCouponUsed))
}

func TestEventIDAt(t *testing.T) {
	t.Parallel()
	before := models.EventIDAt(time.Now().Add(-2 * time.Millisecond))
	id := models.NewID(models.PrefixEvent)
	after := models.EventIDAt(time.Now().Add(2 * time.Millisecond))
	assert.Less(t, before, id)
	assert.Less(t, id, after)
	assert.True(t, models.IsID(before, models.PrefixEvent))
}

// The tries of a delivery go on for about a day; an endpoint that is down is asked ever more rarely, but at least every five
// minutes.
func TestWaits(t *testing.T) {
	t.Parallel()
	var all, wait time.Duration
	attempts, last := 0, false
	for !last {
		attempts++
		var next time.Duration
		if next, last = models.DeliveryWait(attempts); !last {
			assert.GreaterOrEqual(t, next, wait)
			wait = next
			all += next
		}
	}
	assert.Equal(t, 11, attempts)
	assert.InDelta(t, 24*time.Hour, all, float64(time.Hour))
	for failures := range 100 {
		got := models.EndpointWait(failures)
		assert.Equal(t, failures >= models.EndpointTrips, got > 0, failures)
		assert.LessOrEqual(t, got, 5*time.Minute)
	}
}
