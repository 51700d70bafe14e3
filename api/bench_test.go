package api_test

import (
	"fmt"
	"io"
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
	b.SetParallelism(64)
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

// BenchmarkQuote is a checkout page over HTTP: 20 coupons in the wallet, 10 auto batches, 5 lines.
func BenchmarkQuote(b *testing.B) {
	x := benched(b)
	merchant := storetest.Name("merchant")
	users := make([]string, 50)
	for i := range users {
		users[i] = x.User()
	}
	rule := func(i int) string {
		return fmt.Sprintf(`{"kind":"percent_off","percent_off":{"basis_points":%d,"cap":%d},"conditions":{"minimum_spend":%d},"stacking":{"stackable":%t}}`,
			500+10*i, 900+i, 1000*(i%7), i%3 == 0)
	}
	for i := range 20 {
		batch := x.Batch(storetest.BatchSpec{MerchantID: merchant, Content: rule(i)})
		for _, u := range users {
			x.Claim(batch.ID, u)
		}
	}
	for i := range 10 {
		x.Batch(storetest.BatchSpec{MerchantID: merchant, ClaimMode: models.ClaimModeAuto, Content: rule(i)})
	}
	server := httptest.NewServer(x.handler)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	line := `{"line_id":"%d","product_id":"p%d","merchant_id":"` + merchant + `","category_ids":["a","b"],"quantity":2,"unit_price":1999}`
	lines := make([]string, 5)
	for i := range lines {
		lines[i] = fmt.Sprintf(line, i, i)
	}
	var n atomic.Int64
	b.SetParallelism(64)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			body := fmt.Sprintf(`{"user":{"id":%q},"cart":{"currency":"USD","lines":[%s]}}`, users[n.Add(1)%50], strings.Join(lines, ","))
			r, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+"/v1/quotes", strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+x.keys[models.RoleServer])
			r.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(r)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				b.Errorf("status %d", resp.StatusCode)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}
