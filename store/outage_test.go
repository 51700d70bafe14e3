package store_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// wire is a connection to a server that can be cut: what runs over it breaks, and nothing new gets through.
type wire struct {
	server   string
	addr     string
	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	wg       sync.WaitGroup
}

// throughWire returns the DSN of the shared database behind a wire.
func throughWire(t *testing.T) (dsn string, w *wire) {
	t.Helper()
	cfg, err := mysql.ParseDSN(storetest.DSN(t))
	require.NoError(t, err)
	w = &wire{server: cfg.Addr, addr: "127.0.0.1:0"}
	require.NoError(t, w.mend())
	t.Cleanup(func() {
		w.cut()
		w.wg.Wait()
	})
	cfg.Net, cfg.Addr = "tcp", w.addr
	return cfg.FormatDSN(), w
}

func (w *wire) mend() error {
	listener, err := net.Listen("tcp", w.addr)
	if err != nil {
		return err
	}
	w.addr, w.listener = listener.Addr().String(), listener
	w.wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", w.server)
			if err != nil {
				_ = client.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, client, server)
			w.mu.Unlock()
			w.wg.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			w.wg.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
		}
	})
	return nil
}

func (w *wire) cut() {
	_ = w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// TestOutage cuts the wire under a store that worked: everything answers "unavailable", and works again afterwards.
func TestOutage(t *testing.T) {
	t.Parallel()
	dsn, line := throughWire(t)
	s := storetest.Open(t, store.Options{MySQL: dsn})
	w := newWorld(t, s, storetest.BatchSpec{})
	requests, id := w.claims(1), w.at("TRYING", 1)[0]
	calls := map[string]func() error{
		"Ping": func() error { return s.Ping(t.Context()) },
		"Now":  func() error { _, err := s.Now(t.Context()); return err },
		"Claim": func() error {
			_, err := s.Claim(t.Context(), requests)
			return err
		},
		"EnsureUser": func() error {
			_, err := s.EnsureUser(t.Context(), models.UserRef{ID: "u-" + w.user})
			return err
		},
		"Batch":      func() error { _, err := s.Batch(t.Context(), w.batch.ID); return err },
		"Redemption": func() error { _, err := s.Redemption(t.Context(), id); return err },
		"TryCoupons": func() error { return one(s.TryCoupons(t.Context(), []string{id})) },
		"Audit": func() error {
			_, err := s.Audit(t.Context(), store.AuditScope{BatchIDs: []string{w.batch.ID}})
			return err
		},
		"MigrateUp": func() error { return s.MigrateUp(t.Context()) },
	}
	line.cut()
	for range 2 { // with broken connections in the pool, and without
		for name, call := range calls {
			err := call()
			requireCode(t, models.CodeUnavailable, err, name)
			assert.False(t, models.Final(err), name)
		}
	}
	assert.Len(t, s.CheckSettings(t.Context()), 1)
	early := storetest.Open(t, store.Options{MySQL: dsn}) // a process may start before its database
	require.Error(t, early.Ping(t.Context()))
	require.NoError(t, line.mend())
	for name, call := range calls {
		require.NoError(t, call(), name)
	}
	require.NoError(t, early.Ping(t.Context()))
	w.AuditClean(w.batch.ID)
}

// TestOutageUnderLoad cuts the wire twice while many claim: whoever asks again with the same key gets the one coupon.
func TestOutageUnderLoad(t *testing.T) {
	t.Parallel()
	dsn, line := throughWire(t)
	s := storetest.Open(t, store.Options{MySQL: dsn, MaxConns: 8})
	direct := storetest.MySQL(t)
	f := storetest.New(t, direct)
	b := f.Batch(storetest.BatchSpec{Quantity: 100})
	requests := strangers(b.ID, 120)
	first := make(chan struct{}, len(requests))
	answers := make([]models.Code, len(requests))
	together(len(requests)+1, func(i int) {
		if i == len(requests) {
			for range 2 {
				for range 10 {
					<-first
				}
				line.cut()
				assert.NoError(t, line.mend())
			}
			return
		}
		for {
			out, err := s.Claim(t.Context(), requests[i:i+1])
			select {
			case first <- struct{}{}:
			default: // enough has been seen
			}
			if err == nil {
				answers[i] = code(out[0].Err)
				return
			}
			if !assert.Equal(t, models.CodeUnavailable, models.CodeOf(err)) {
				return
			}
		}
	})
	got := map[models.Code]int{}
	for _, a := range answers {
		got[a]++
	}
	assert.Equal(t, map[models.Code]int{"": 100, models.CodeSoldOut: 20}, got)
	require.Eventually(t, func() bool { // what was under way when the wire was cut ends by itself
		row, err := direct.Batch(t.Context(), b.ID)
		return err == nil && row.Counter.Remaining == 0
	}, 10*time.Second, 10*time.Millisecond)
	assert.Equal(t, []string{"100 100"}, query(t, direct, "SELECT COUNT(*), COUNT(DISTINCT user_id) FROM coupons WHERE batch_id = ?", b.ID))
	f.AuditClean(b.ID)
}
