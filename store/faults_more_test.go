package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// The trials of what isn't a redemption, a hold or a claim.

func userTrials(_ *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		ref := models.UserRef{ID: storetest.Name("u"), Email: storetest.Name("e") + "@example.com"}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			id, err := s.EnsureUser(ctx, ref)
			return fmt.Sprint(models.HasPrefix(id, models.PrefixUser)), err
		}
		trials[i].look = lookAt("SELECT i.kind, COUNT(u.id) FROM user_identities i LEFT JOIN users u ON u.id = i.user_id "+
			"WHERE i.value IN (?, ?) GROUP BY i.kind", ref.ID, strings.ToLower(ref.Email))
	}
	return trials
}

func ruleTrials(_ *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		r := models.Rule{MerchantID: "m1", Name: storetest.Name("rule"), Content: json.RawMessage(`{}`)}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.CreateRule(ctx, r)
			return fmt.Sprint(got.Version), err
		}
		trials[i].look = lookAt("SELECT version, merchant_id FROM rules WHERE name = ?", r.Name)
	}
	return trials
}

func ruleVersionTrials(w *world, n int) []trial {
	trials := ruleTrials(w, n)
	for i := range trials {
		r, err := w.s.CreateRule(w.t.Context(), models.Rule{MerchantID: "m1", Name: "rule", Content: json.RawMessage(`{}`)})
		if err != nil {
			w.t.Fatal(err)
		}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.CreateRule(ctx, models.Rule{ID: r.ID, MerchantID: "m1", Name: "edited", Content: json.RawMessage(`{"n": 2}`)})
			return fmt.Sprint(got.Version), err
		}
		trials[i].look = lookAt("SELECT version, name FROM rules WHERE id = ?", r.ID)
	}
	return trials
}

func batchTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		b := w.batch.Batch
		b.Name = storetest.Name("batch")
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.CreateBatch(ctx, b, new(int64(7)))
			return fmt.Sprint(got.Counter.Remaining), err
		}
		trials[i].look = lookAt("SELECT c.state, c.quantity, c.remaining, c.ledger_seq, e.kind FROM batches b LEFT JOIN batch_counters c ON "+
			"c.batch_id = b.id LEFT JOIN ledger_entries e ON e.batch_id = b.id WHERE b.name = ?", b.Name)
	}
	return trials
}

func changeTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		id := w.Batch(storetest.BatchSpec{}).ID
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			row, err := s.ChangeBatch(ctx, store.BatchChange{BatchID: id, Pause: models.PauseClaims, Audit: models.AuditRecord{Action: "batch.pause"}})
			return fmt.Sprint(row.Counter.Paused, row.Counter.ConfigVersion), err
		}
		trials[i].look = lookAt("SELECT c.paused, c.config_version, a.action FROM batch_counters c LEFT JOIN audit_log a ON a.subject = c.batch_id "+
			"WHERE c.batch_id = ?", id)
	}
	return trials
}

func keyTrials(_ *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		k, secret := models.APIKey{Name: storetest.Name("key"), Role: models.RoleServer}, storetest.Name("secret")
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			err := s.AddKey(ctx, &k, secret)
			if err != nil {
				return "", err
			}
			found, err := s.Key(ctx, secret)
			return fmt.Sprint(found.ID == k.ID), err
		}
		trials[i].look = lookAt("SELECT role, caller = name, revoked_at FROM api_keys WHERE name = ?", k.Name)
	}
	return trials
}

func revokeTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		k, _, err := w.s.CreateKey(w.t.Context(), models.APIKey{Name: storetest.Name("key"), Role: models.RoleServer})
		if err != nil {
			w.t.Fatal(err)
		}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.RevokeKey(ctx, k.ID, "")
			return fmt.Sprint(got.RevokedAt.IsZero()), err
		}
		trials[i].look = lookAt("SELECT revoked_at IS NOT NULL FROM api_keys WHERE id = ?", k.ID)
	}
	return trials
}

func auditLogTrials(_ *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		subject := storetest.Name("subject")
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			return "", s.AddAudit(ctx, models.AuditRecord{Actor: "cli", Action: "demo", Subject: subject, Reason: "because"})
		}
		trials[i].look = lookAt("SELECT actor, action, reason FROM audit_log WHERE subject = ?", subject)
	}
	return trials
}

// codeClaimTrials claims by a code where coupons are counted by e-mail.
func codeClaimTrials(w *world, n int) []trial {
	spec := onUse
	spec.ClaimMode = models.ClaimModeClaim
	coded := newWorld(w.t, w.s, spec)
	w.more = append(w.more, coded.batch.ID)
	trials := make([]trial, n)
	for i, code := range coded.codes(n) {
		user := coded.mailUser()
		request := store.ClaimRequest{Caller: "test", Key: storetest.Name("key"), Code: code, UserID: user}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			out, err := s.Claim(ctx, []store.ClaimRequest{request, request})
			if err != nil {
				return "", err
			}
			return fmt.Sprint(out[0].Coupon.Ordinal, out[0].Coupon.ID == out[1].Coupon.ID, *out[0].Coupon.CodeKey == code), nil
		}
		trials[i].look = lookAt("SELECT c.ordinal, c.state, l.key_kind, l.ordinal, k.uses, k.seq FROM coupons c JOIN coupon_limits l ON l.coupon_id = c.id "+
			"JOIN codes k ON k.code_key = c.code_key WHERE c.user_id = ?", user)
	}
	return trials
}

func codeTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		batch := w.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 2})
		codes := []models.CouponCode{{Display: storetest.Name("a"), Active: true}, {Display: storetest.Name("b")}}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.CreateCodes(ctx, batch.ID, codes, models.AuditRecord{Action: "codes.create"})
			return fmt.Sprint(len(got)), err
		}
		trials[i].look = lookAt("SELECT c.active, c.max_uses, c.seq, a.action FROM codes c LEFT JOIN audit_log a ON a.subject = c.batch_id "+
			"WHERE c.batch_id = ?", batch.ID)
	}
	return trials
}

func codeChangeTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		batch := w.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		key := w.Code(batch.ID, 5)
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			got, err := s.ChangeCode(ctx, store.CodeChange{CodeKey: key, Active: new(false), MaxUses: new(int64(9)), Audit: models.AuditRecord{Action: "code.change"}})
			return fmt.Sprint(got.Active, got.Seq), err
		}
		trials[i].look = lookAt("SELECT c.active, c.max_uses, c.seq, a.action FROM codes c LEFT JOIN audit_log a ON a.subject = c.batch_id "+
			"WHERE c.batch_id = ?", batch.ID)
	}
	return trials
}
