package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// claimCode claims by a code with a server's key.
func (b *bundle) claimCode(code string, user doc) answer {
	b.t.Helper()
	return b.send(request{name: code, route: "POST /v1/claims", as: models.RoleServer, body: doc{"code": code, "user": user}})
}

func TestClaimBySharedCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesShared, ClaimsPerUser: 1})
		key := b.Code(batch.ID, 3)
		user := storetest.Name("user")
		claim := func(code, user, key string) answer {
			return b.send(request{route: "POST /v1/claims", as: models.RoleStorefront, key: key, body: doc{"code": code, "user": doc{"id": user}}})
		}
		first := claim(" "+strings.ToLower(key)+" ", user, "k1").ok(http.StatusCreated)
		require.Equal(t, batch.ID, first["batch_id"])
		require.Equal(t, key, first["code_key"])
		again := claim(wide(key), user, "k1")
		require.Equal(t, first, again.ok(http.StatusOK), "the same key gets the same coupon")
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		claim(key, user, "k2").problem(422, models.CodeUserLimit)

		for _, typed := range []string{key, strings.ToLower(key)} {
			claim(typed, storetest.Name("user"), "").ok(http.StatusCreated)
		}
		b.claimCode(key, doc{"id": storetest.Name("user")}).problem(409, models.CodeUsedUp)
		claim(key, storetest.Name("user"), "").problem(422, models.CodeNotValid)
		require.Equal(t, first, claim(key, user, "k1").ok(http.StatusOK), "also when the code is used up")
		require.InDelta(t, 3, b.admin("GET", "/codes/"+key, nil).ok(200)["uses"], 0)
		b.patch(key, doc{"max_uses": nil}).ok(200)
		claim(key, storetest.Name("user"), "").ok(http.StatusCreated)
		b.AuditClean(batch.ID)
	})
}

func TestClaimBySingleCode(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 2})
		one, two := b.Code(batch.ID, 0), b.Code(batch.ID, 0)
		user := doc{"id": storetest.Name("user")}
		b.claimCode(one, user).ok(201)
		b.claimCode(one, user).problem(409, models.CodeUsedUp)
		b.claimCode(two, user).ok(201)
		b.AuditClean(batch.ID)
	})
}

// Whatever is the matter with a code, a storefront's key, behind which anybody may be guessing, gets one answer.
func TestOneAnswerForGuessers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		shared := storetest.BatchSpec{Codes: models.CodesShared, MerchantID: "m1"}
		of := func(change func(*storetest.BatchSpec)) string {
			spec := shared
			change(&spec)
			return b.Code(b.Batch(spec).ID, 0)
		}
		coded := func(changes doc) string {
			code := storetest.Name("code")
			b.codes(b.Batch(shared).ID, doc{"code": code}.with(changes)).ok(201)
			return code
		}
		off, ended := b.Code(b.Batch(shared).ID, 0), b.Batch(shared)
		b.patch(off, doc{"active": false}).ok(200)
		endedCode := b.Code(ended.ID, 0)
		b.admin("POST", "/batches/"+ended.ID+"/end", doc{"reason": "r"}).ok(200)
		limited := func(s *storetest.BatchSpec) { s.ClaimsPerUser, s.LimitBy = 1, []models.LimitKind{models.LimitEmail} }
		offLimited := of(limited)
		b.patch(offLimited, doc{"active": false}).ok(200)
		full := func(status int, code models.Code) refusal { return refusal{status: status, code: code} }
		user := doc{"id": storetest.Name("user")}
		var unknown doc
		for _, tt := range []struct {
			name, code string
			known      refusal // what a server's key is told
			open       bool    // a storefront's too
		}{
			{"unknown", storetest.Name("code"), full(422, models.CodeNotValid), false},
			{"no code at all", " ", full(422, models.CodeNotValid), false},
			{"empty", "", full(422, models.CodeNotValid), false},
			{"too long", repeat("x", 65), full(422, models.CodeNotValid), false},
			{"switched off", off, full(422, models.CodeInactive), false},
			{"to come", coded(doc{"valid_from": "2100-01-01"}), full(422, models.CodeNotStarted), false},
			{"over", coded(doc{"valid_until": "2001-01-01"}), full(422, models.CodeOver), false},
			{"draft", of(func(s *storetest.BatchSpec) { s.Draft = true }), full(409, models.CodeBatchNotActive), false},
			{"ended", endedCode, full(409, models.CodeBatchEnded), false},
			{"on use", of(func(s *storetest.BatchSpec) { s.ClaimMode = models.ClaimModeOnUse }), full(409, models.CodeClaimModeForbids), false},
			{"no e-mail", of(limited), full(422, models.CodeIdentityRequired), true},
			{"no e-mail, switched off", offLimited, full(422, models.CodeIdentityRequired), false},
		} {
			user := doc{"id": storetest.Name("user")} // more wrong codes of one user would be stopped
			b.claimCode(tt.code, user).problem(tt.known.status, tt.known.code)
			public := b.send(request{name: tt.name, route: "POST /v1/claims", as: models.RoleStorefront, body: doc{"code": tt.code, "user": user}})
			if tt.open {
				public.problem(tt.known.status, tt.known.code)
				continue
			}
			got := public.problem(422, models.CodeNotValid)
			delete(got, "request_id")
			if unknown == nil {
				unknown = got
			}
			require.Equal(t, unknown, got, tt.name)
		}
		sold := b.Batch(storetest.BatchSpec{Codes: models.CodesShared, Quantity: 1})
		last := b.Code(sold.ID, 0)
		b.claimCode(last, user).ok(201)
		b.send(request{route: "POST /v1/claims", as: models.RoleStorefront, body: doc{"code": last, "user": user}}).problem(409, models.CodeSoldOut)
	})
}

func TestClaimCodeOfOthers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{MerchantID: "m1", Codes: models.CodesShared})
		code, ghost := b.Code(batch.ID, 0), doc{"id": storetest.Name("ghost")}
		claim := func(merchant string, body doc) request {
			return request{name: merchant, route: "POST /v1/claims", secret: b.key(models.RoleServer, merchant), body: body.with(doc{"user": ghost})}
		}
		b.refused([]refusal{
			{claim("m2", doc{"code": code}), 422, models.CodeNotValid},
			{claim("m1", doc{"code": code + "x"}), 422, models.CodeNotValid},
			{claim("m1", doc{"batch_id": batch.ID}), 422, models.CodeRequired},
		})
		unknown := doc{"id": models.NewID("usr")}
		for _, typed := range []string{code, code + "x"} {
			b.claimCode(typed, unknown).problem(404, models.CodeNotFound)
			b.claimCode(typed, doc{}).problem(400, models.CodeInvalidRequest)
		}
		_, err := s.FindUser(t.Context(), models.UserRef{ID: ghost.text("id")})
		require.NoError(t, err, "the one who asked for a batch is known")
		b.send(claim("m1", doc{"code": code})).ok(201)
	})
}

// A second account doesn't help where a batch counts by e-mail.
func TestLimitByEmail(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		merchant := storetest.Name("m")
		made := b.admin("POST", "/batches", doc{
			"rule_id": b.ruled(merchant, amountOff(500)), "name": "b", "currency": "USD", "valid_seconds": 60, "claims_per_user": 1,
			"limit_by": []string{"user", "email"},
		}).ok(201)
		require.Equal(t, []any{"user", "email"}, made["limit_by"])
		batch := made.text("id")
		b.admin("POST", "/batches/"+batch+"/publish", doc{"reason": "r"}).ok(200)
		claim := func(user doc) answer {
			return b.send(request{route: "POST /v1/claims", as: models.RoleStorefront, body: doc{"batch_id": batch, "user": user}})
		}
		first, second, box := storetest.Name("user"), storetest.Name("user"), storetest.Name("jane")
		claimable := func(user string) []any {
			return b.send(request{route: "GET /v1/batches?claimable_by=" + user, secret: b.key(models.RoleStorefront, merchant)}).ok(200).items()
		}
		require.Equal(t, "email", claim(doc{"id": first}).problem(422, models.CodeIdentityRequired).text("params", "identity"))
		require.Len(t, claimable(first), 1, "the e-mail may come with the claim")
		claim(doc{"id": first, "email": box + "@example.test"}).ok(201)
		require.Empty(t, claimable(first))
		require.Len(t, claimable(second), 1)
		claim(doc{"id": second, "email": strings.ToUpper(box) + "+again@Example.test"}).problem(422, models.CodeUserLimit)
		require.Empty(t, claimable(second), "another account with the same mailbox")
		claim(doc{"id": storetest.Name("user"), "email": "not-" + box + "@example.test"}).ok(201)
		b.AuditClean(batch)
	})
}
