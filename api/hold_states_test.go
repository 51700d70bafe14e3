package api_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// holdStates bring about the states of docs/holds.md: each opens a hold under the key and returns its id.
var holdStates = map[string]func(b *bundle, h held, key string) string{
	"WAITING": func(b *bundle, h held, key string) string { return b.open(h.body, key).ok(201).text("id") },
	"WAITING, over its time": func(b *bundle, h held, key string) string {
		id := b.open(h.body, key).ok(201).text("id")
		b.overdue(id)
		return id
	},
	"CONFIRMED": func(b *bundle, h held, key string) string {
		id := b.open(h.body, key).ok(201).text("id")
		b.settle(id, "confirm", nil).ok(200)
		return id
	},
	"CANCELLED by you": func(b *bundle, h held, key string) string {
		id := b.open(h.body, key).ok(201).text("id")
		b.settle(id, "cancel", nil).ok(200)
		return id
	},
	"CANCELLED, ran out, all is free": func(b *bundle, h held, key string) string { return b.ranOut(h, key) },
	"CANCELLED, ran out, the budget is taken": func(b *bundle, h held, key string) string {
		id := b.ranOut(h, key)
		other := b.Claim(h.coupon.BatchID, h.user)
		b.open(h.body.with(doc{"coupon_ids": []string{other.ID}, "ttl_seconds": 600}), "").ok(201)
		return id
	},
	"CANCELLED, ran out, the coupon is taken": func(b *bundle, h held, key string) string {
		id := b.ranOut(h, key)
		b.open(h.body.with(doc{"ttl_seconds": 600}), "").ok(201)
		return id
	},
	"refused": func(b *bundle, h held, key string) string {
		b.open(h.body, "").ok(201)
		return b.open(h.body, key).problem(http.StatusConflict, models.CodeCouponLocked).text("params", "redemption_id")
	},
}

// overdue waits until the time of the hold is over.
func (b *bundle) overdue(id string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		r, err := b.Store.Redemption(b.t.Context(), id)
		require.NoError(b.t, err)
		now, err := b.Store.Now(b.t.Context())
		return err == nil && now.After(r.Deadline)
	}, 10*time.Second, 20*time.Millisecond)
}

func (b *bundle) ranOut(h held, key string) string {
	b.t.Helper()
	id := b.open(h.body, key).ok(201).text("id")
	b.overdue(id)
	_, err := b.Store.ExpireHolds(b.t.Context(), 1000)
	require.NoError(b.t, err)
	return id
}

// TestHoldStates gets every cell of the table in docs/holds.md.
func TestHoldStates(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../docs/holds.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(raw), "| the hold is |")
	require.True(t, found)
	rows := strings.Split(strings.TrimSpace(strings.Split(text, "\n\n")[0]), "\n")
	calls := cells("|" + rows[0])
	require.Len(t, rows, 2+len(holdStates))
	swept := func(row string) bool { return strings.Contains(row, "ran out") }
	for name, own := range map[string]func(string) bool{"swept": swept, "not swept": func(row string) bool { return !swept(row) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
				for _, row := range rows[2:] {
					for i, call := range calls {
						if want := cells(row); own(row) {
							t.Run(want[0]+": "+call, func(t *testing.T) {
								t.Parallel()
								testHoldState(t, s, want[0], call, want[1+i])
							})
						}
					}
				}
			})
		})
	}
}

// testHoldState makes one call in one state.
func testHoldState(t *testing.T, s *store.Store, state, call, want string) {
	t.Helper()
	b := setup(t, s)
	h := b.held(storetest.BatchSpec{Caps: models.Caps{Batch: models.Cap{Amount: ptr(int64(500))}}})
	if strings.Contains(state, "time") || strings.Contains(state, "ran out") {
		h.body["ttl_seconds"] = 1
	}
	require.Contains(t, holdStates, state)
	id := holdStates[state](b, h, "key")
	require.Equal(t, want, b.holdCall(call, id, h))
	b.AuditClean(h.coupon.BatchID)
}

// cells are the texts of a row.
func cells(row string) []string {
	parts := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return parts
}

// holdCall makes a call of the table and returns its status and code.
func (b *bundle) holdCall(call, id string, h held) string {
	b.t.Helper()
	var a answer
	switch call {
	case "GET":
		a = b.send(request{route: "GET /v1/holds/" + id, as: models.RoleServer})
	case "POST again, same key":
		a = b.open(h.body, "key")
	case "PUT":
		a = b.change(id, doc{"cart": cart(6000)})
	case "extend":
		a = b.settle(id, "extend", doc{"ttl_seconds": 900})
	case "confirm":
		a = b.settle(id, "confirm", nil)
	case "confirm, accept_overrun":
		a = b.settle(id, "confirm", doc{"accept_overrun": true})
	case "cancel":
		a = b.settle(id, "cancel", nil)
	default:
		b.t.Fatal("the table has an unknown call:", call)
	}
	if a.status < 300 {
		return fmt.Sprint(a.status)
	}
	return fmt.Sprint(a.status, " ", a.ok(a.status).text("code"))
}
