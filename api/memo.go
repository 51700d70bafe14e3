package api

import (
	"sync"
	"time"
)

const (
	memoSize = 10_000
	forGood  = 365 * 24 * time.Hour // for what never changes
)

// memo is a small cache in front of a store that is asked the same again and again. It forgets everything when it is
// full, which bounds it and costs one question each.
type memo[K comparable, V any] struct {
	fresh   time.Duration // how long an entry counts
	mu      sync.Mutex
	entries map[K]memoEntry[V]
}

type memoEntry[V any] struct {
	value V
	until time.Time
}

func newMemo[K comparable, V any](fresh time.Duration) *memo[K, V] {
	return &memo[K, V]{fresh: fresh, entries: map[K]memoEntry[V]{}}
}

// get returns what is known and fresh, or asks and remembers the answer. Errors are not remembered.
func (m *memo[K, V]) get(key K, ask func() (V, error)) (V, error) {
	now := time.Now()
	m.mu.Lock()
	known, ok := m.entries[key]
	m.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.value, nil
	}
	value, err := ask()
	if err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.entries) >= memoSize {
		clear(m.entries)
	}
	m.entries[key] = memoEntry[V]{value: value, until: now.Add(m.fresh)}
	return value, nil
}
