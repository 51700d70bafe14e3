package api_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

// The main paths as a caller meets them, without the network: go test ./api -bench . -run ^$.

func benched(b *testing.B) *bundle {
	b.Helper()
	return setup(b, storetest.MySQL(b), func(c *api.Config) { c.Log = slog.New(slog.DiscardHandler) })
}

// hammer sends what next makes from many goroutines.
func hammer(b *testing.B, x *bundle, want int, next func(i int64) *http.Request) {
	b.Helper()
	var i atomic.Int64
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			w := httptest.NewRecorder()
			x.handler.ServeHTTP(w, next(i.Add(1)))
			if w.Code != want {
				b.Errorf("status %d: %s", w.Code, w.Body)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func (b *bundle) prepared(route, secret, body string) *http.Request {
	method, path, _ := strings.Cut(route, " ")
	r := httptest.NewRequestWithContext(b.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	return r
}

func BenchmarkClaim(b *testing.B) {
	x := benched(b)
	batch, name := x.Batch(storetest.BatchSpec{}), storetest.Name("user")
	hammer(b, x, http.StatusCreated, func(i int64) *http.Request {
		return x.prepared("POST /v1/claims", x.keys[models.RoleServer], fmt.Sprintf(`{"batch_id":%q,"user":{"id":"%s-%d"}}`, batch.ID, name, i))
	})
}

func BenchmarkWallet(b *testing.B) {
	x := benched(b)
	users := make([]string, 50)
	for i := range users {
		users[i] = x.User()
	}
	for range 20 {
		batch := x.Batch(storetest.BatchSpec{})
		for _, u := range users {
			x.Claim(batch.ID, u)
		}
	}
	hammer(b, x, http.StatusOK, func(i int64) *http.Request {
		return x.prepared("GET /v1/users/"+users[i%50]+"/coupons?state=AVAILABLE", x.keys[models.RoleServer], "")
	})
}

func BenchmarkHold(b *testing.B) {
	x := benched(b)
	batch, user := x.Batch(storetest.BatchSpec{}), x.User()
	coupons := make([]models.Coupon, b.N)
	for i := range coupons {
		coupons[i] = x.Claim(batch.ID, user)
	}
	hammer(b, x, http.StatusCreated, func(i int64) *http.Request {
		return x.prepared("POST /v1/holds", x.keys[models.RoleServer], fmt.Sprintf(
			`{"user":{"id":%q},"coupon_ids":[%q],"cart":{"currency":"USD","lines":[{"line_id":"1","product_id":"p","quantity":1,"unit_price":5000}]}}`,
			user, coupons[i-1].ID))
	})
}

// BenchmarkForm is what the API itself costs: routing, key, form and answer, of a request that asks the store nothing.
func BenchmarkForm(b *testing.B) {
	x := benched(b)
	body := `{"user":{"id":"u"},"coupon_ids":["c"],"cart":{"currency":"USD","lines":[` +
		strings.TrimSuffix(repeat(`{"line_id":"1","product_id":"p","category_ids":["a","b"],"quantity":1,"unit_price":5000},`, 20), ",") + `]}}`
	hammer(b, x, http.StatusBadRequest, func(int64) *http.Request {
		return x.prepared("POST /v1/holds", x.keys[models.RoleServer], strings.Replace(body, `"user":{"id":"u"}`, `"user":{}`, 1))
	})
}
