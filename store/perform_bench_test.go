package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// BenchmarkPerform opens holds on one hot batch, with a cap on its money and on each user's uses, and confirms them in the
// next slice; two flushes are in flight, as they are behind the combiner. One iteration is one redemption.
func BenchmarkPerform(b *testing.B) {
	for _, size := range []int{1, 10, 100} {
		b.Run(fmt.Sprint("slice=", size), func(b *testing.B) {
			s := storetest.MySQL(b)
			f := storetest.New(b, s)
			batch := f.Batch(storetest.BatchSpec{Caps: models.Caps{
				Batch: models.Cap{Amount: new(int64(1) << 50)}, User: models.Cap{Uses: new(int64(1_000_000))},
			}})
			chunks := slices.Collect(slices.Chunk(benchPlans(b, f, batch.ID, b.N), size))
			b.ResetTimer()
			together(2, func(half int) {
				var ready []store.Operation // confirmations of the holds of the slice before
				for i := half; i < len(chunks); i += 2 {
					ready = benchFlush(b, s, chunks[i], ready)
				}
				benchFlush(b, s, nil, ready)
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "redemptions/s")
			b.StopTimer()
			f.AuditClean(batch.ID)
		})
	}
}

// BenchmarkIdle claims one coupon after the other, through the combiner and without it: with nobody to wait for, the
// combiner must cost nearly nothing. They take turns, so that a machine that gets slower slows both; the median of each is
// reported, and that of the combined ones over that of those alone.
func BenchmarkIdle(b *testing.B) {
	s := storetest.MySQL(b)
	f := storetest.New(b, s)
	batch, user := f.Batch(storetest.BatchSpec{}), f.User()
	request := func(n int) store.ClaimRequest {
		return store.ClaimRequest{Caller: "bench", Key: fmt.Sprint(n), BatchID: batch.ID, UserID: user}
	}
	var combined, alone []time.Duration
	for n := 0; b.Loop(); n++ {
		r := request(2 * n)
		began := time.Now()
		out, err := s.ClaimOne(b.Context(), r)
		combined = append(combined, time.Since(began))
		benchClaimed(b, out, err)

		r = request(2*n + 1)
		began = time.Now()
		outs, err := s.Claim(b.Context(), []store.ClaimRequest{r})
		alone = append(alone, time.Since(began))
		if err == nil {
			out = outs[0]
		}
		benchClaimed(b, out, err)
	}
	with, without := median(combined), median(alone)
	b.ReportMetric(float64(with), "ns/combined")
	b.ReportMetric(float64(without), "ns/alone")
	b.ReportMetric(float64(with)/float64(without), "ratio")
}

func benchClaimed(b *testing.B, out store.ClaimOutcome, err error) {
	b.Helper()
	if err != nil || out.Err != nil {
		b.Fatal(err, out.Err)
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// benchPlans makes plans of a coupon each, by a hundred users.
func benchPlans(b *testing.B, f storetest.Fixture, batchID string, n int) []models.Plan {
	b.Helper()
	users := make([]string, 100)
	for i := range users {
		users[i] = f.User()
	}
	requests := make([]store.ClaimRequest, n)
	for i := range requests {
		requests[i] = store.ClaimRequest{Caller: "bench", Key: fmt.Sprint(i), BatchID: batchID, UserID: users[i%len(users)]}
	}
	plans := make([]models.Plan, 0, n)
	for chunk := range slices.Chunk(requests, 500) {
		outcomes, err := f.Store.Claim(b.Context(), chunk)
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range outcomes {
			p := f.Plan(models.KindHold, *o.Coupon)
			p.Redemption.OrderID = nil
			p.Redemption.IdemKey = new(storetest.Name("key"))
			plans = append(plans, p)
		}
	}
	return plans
}

// benchFlush performs one slice and returns the confirmations of its holds.
func benchFlush(b *testing.B, s *store.Store, plans []models.Plan, ready []store.Operation) []store.Operation {
	ops := slices.Clone(ready)
	for _, p := range plans {
		ops = append(ops, store.Operation{OpenHold: &p})
	}
	outcomes, err := s.Perform(b.Context(), ops)
	if err != nil {
		b.Error(err)
		return nil
	}
	var next []store.Operation
	for i, o := range outcomes {
		if o.Redemption.Err != nil {
			b.Error(o.Redemption.Err)
		}
		if ops[i].OpenHold != nil {
			next = append(next, store.Operation{ConfirmHold: &store.HoldConfirm{ID: o.Redemption.Redemption.ID, OrderID: new(storetest.Name("order"))}})
		}
	}
	return next
}
