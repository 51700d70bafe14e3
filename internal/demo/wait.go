package demo

import (
	"context"
	"fmt"
	"time"
)

const (
	lookEvery  = 100 * time.Millisecond
	waitAtMost = 90 * time.Second // after a crash a payment is asked for again within half a minute; a busy machine is slow
)

// until looks again and again until done says yes, and returns what it saw last. It gives up after a while, or when ctx
// ends. An error of look ends it at once.
func until[T any](ctx context.Context, look func(context.Context) (T, error), done func(T) bool) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, waitAtMost)
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		seen, err := look(ctx)
		if err != nil || done(seen) {
			return seen, err
		}
		select {
		case <-ctx.Done():
			return seen, fmt.Errorf("waited in vain: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}
