package attack

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	atOnce = 400 // how many of a crowd ask at the same time
	killed = 10  // how often a process is killed meanwhile
)

// inPortions does the work of all numbers below n by a crowd, a portion after the other, with a disturbance after each
// portion while its last ones are still under way.
func inPortions(t *testing.T, n, portions int, work func(context.Context, int), disturb func(portion int)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	numbers := make(chan int)
	var crowd sync.WaitGroup
	for range atOnce {
		crowd.Go(func() {
			for i := range numbers {
				work(ctx, i)
			}
		})
	}
	for portion := range portions {
		for i := portion * n / portions; i < (portion+1)*n/portions; i++ {
			numbers <- i
		}
		disturb(portion)
	}
	close(numbers)
	crowd.Wait()
	require.NoError(t, ctx.Err(), "everybody gets an answer in time")
}
