package store_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// What it costs to tell of claims: slices of 500, as a flush of many requests, that nobody, one or three endpoints listen to.
func BenchmarkClaimHeard(b *testing.B) {
	for _, endpoints := range []int{0, 1, 3} {
		b.Run(fmt.Sprintf("%d endpoints", endpoints), func(b *testing.B) {
			s := storetest.Alone(b, store.Options{})
			f := storetest.New(b, s)
			merchant := storetest.Name("merchant")
			for range endpoints {
				_, err := s.CreateEndpoint(b.Context(), models.WebhookEndpoint{MerchantID: merchant, URL: "https://example.org", Events: []string{"*"}}, models.AuditRecord{})
				require.NoError(b, err)
			}
			batch := f.Batch(storetest.BatchSpec{MerchantID: merchant})
			user := f.User()
			const slice = 500
			claims := 0
			for b.Loop() {
				requests := make([]store.ClaimRequest, slice)
				for i := range requests {
					requests[i] = store.ClaimRequest{Caller: "bench", Key: fmt.Sprint(claims), BatchID: batch.ID, UserID: user}
					claims++
				}
				_, err := s.Claim(b.Context(), requests)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(claims)/b.Elapsed().Seconds(), "claims/s")
		})
	}
}
