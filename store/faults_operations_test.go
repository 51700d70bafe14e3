package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func allOperations() []operation {
	moves := map[string]stage{ // of the executors: where each has something to do
		"Begin": "NEW", "Await": "TRYING, paid", "Commit": "TRYING, paid", "Abandon": "WAITING, unpaid", "Finish": "COMMITTED, all",
		"BeginAuthorise": "TRYING, tried", "RecordAuthorise authorised": "TRYING, asked", "RecordAuthorise declined": "WAITING, asked",
		"SetPaymentMethod": "WAITING, declined", "BeginCapture": "COMMITTING", "RecordCaptured": "COMMITTING, charging",
		"RecordCaptureRefused": "COMMITTING, charging", "BeginVoid": "CLOSING", "RecordVoided": "CLOSING, voiding",
		"RecordRefunded": "COMMITTED, to refund", "SettleStray": "CANCELLED", "WriteOff": "COMMITTING, lost",
		"Resolve confirm": "CLOSING", "Resolve cancel": "COMMITTED", "RecordCallback": "CANCELLED", "MarkStuck": "COMMITTED",
		"TryOrders": "TRYING", "TryCoupons": "TRYING", "ConfirmCoupons": "COMMITTED", "ConfirmOrders": "COMMITTED",
		"CancelCoupons": "CANCELLING", "CancelOrders": "CANCELLING",
	}
	var all []operation
	for _, e := range executors {
		if at, listed := moves[e.name]; listed {
			all = append(all, onRedemptions(e.name, at, e.run))
		}
	}
	writeOff := single(step{run: stepOf("WriteOff")})
	stray := single(stepCaptured)
	return append(all,
		onRedemptions("WriteOff, cancelling", "CLOSING, write-off", writeOff),
		onRedemptions("RecordCaptured, stray", "CANCELLED", stray),
		onRedemptions("RecordCaptured, closing", "CLOSING, voiding", stray),
		onRedemptions("RecordRefunded, stray", "CANCELLED", single(step{run: stepOf("RecordRefunded")})),
		onRedemptions("Finish, cancelling", "CANCELLING, all", single(stepFinish)),
		onRedemptions("Expire", "WAITING, paid", expire.run, overdue),
		onHolds("ConfirmHolds", func(ctx context.Context, s *store.Store, id string) error {
			order := "late-" + id
			return one(s.ConfirmHolds(ctx, []store.HoldConfirm{{ID: id, OrderID: &order}}))
		}),
		onHolds("CancelHolds", func(ctx context.Context, s *store.Store, id string) error {
			return one(s.CancelHolds(ctx, []string{id}))
		}),
		operation{"ExpireHolds", expireTrials},
		operation{"Due", dueTrials},
		operation{"Claim", claimTrials},
		opening("OpenHolds, key", models.KindHold, func(r *models.Redemption) { r.IdemKey = new(storetest.Name("key")) }),
		opening("OpenHolds, order", models.KindHold, func(*models.Redemption) {}),
		opening("OpenHolds, neither", models.KindHold, func(r *models.Redemption) { r.OrderID = nil }),
		opening("OpenHolds, refused", models.KindHold, func(r *models.Redemption) { r.UserID = "usr_other" }),
		opening("OpenRedemptions, key", models.KindOrchestrated, func(r *models.Redemption) { r.IdemKey = new(storetest.Name("key")) }),
		opening("OpenRedemptions, id", models.KindOrchestrated, func(r *models.Redemption) { r.ID = models.NewID(models.PrefixRedemption) }),
		operation{"EnsureUser", userTrials},
		operation{"CreateRule", ruleTrials},
		operation{"CreateRule, next version", ruleVersionTrials},
		operation{"CreateBatch", batchTrials},
		operation{"ChangeBatch", changeTrials},
		operation{"AddKey", keyTrials},
		operation{"RevokeKey", revokeTrials},
		operation{"AddAudit", auditLogTrials},
	)
}

// stepOf is the run of the named executor as a step.
func stepOf(name string) func(context.Context, *store.Store, []string) error {
	return func(ctx context.Context, s *store.Store, ids []string) error {
		for _, e := range executors {
			if e.name == name {
				return e.run(ctx, s, ids[0])
			}
		}
		return fmt.Errorf("there is no executor %s", name)
	}
}

func onRedemptions(name string, at stage, run func(context.Context, *store.Store, string) error, change ...func(*models.Plan)) operation {
	return operation{name, func(w *world, n int) []trial { return trialsOn(w.at(at, n, change...), run) }}
}

func onHolds(name string, run func(context.Context, *store.Store, string) error) operation {
	return operation{name, func(w *world, n int) []trial {
		ids := make([]string, n)
		for i, h := range w.hold(n, unordered) {
			ids[i] = h.ID
		}
		return trialsOn(ids, run)
	}}
}

// expireTrials opens each hold when its turn comes: ExpireHolds takes all that are overdue.
func expireTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		id := ""
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			if id == "" {
				id = w.hold(1, overdue)[0].ID
			}
			freed, err := s.ExpireHolds(ctx, 10)
			return fmt.Sprint(freed), err
		}
		trials[i].look = func(t *testing.T, s *store.Store) string { return picture(t, s, id) }
	}
	return trials
}

// dueTrials looks at redemptions that are due: each is taken once, or put off without being taken.
func dueTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		id := ""
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			if id == "" {
				id = w.at("NEW", 1)[0]
				exec(w.t, w.s, "UPDATE redemptions SET due_at = '2020-01-01 00:00:00.000000' WHERE id = ?", id)
			}
			_, err := s.Due(ctx, 10)
			return "", err
		}
		trials[i].look = func(t *testing.T, s *store.Store) string {
			return strings.Join(query(t, s, "SELECT state, due_at > updated_at FROM redemptions WHERE id = ?", id), "")
		}
	}
	return trials
}

func trialsOn(ids []string, run func(context.Context, *store.Store, string) error) []trial {
	trials := make([]trial, len(ids))
	for i, id := range ids {
		trials[i] = trial{id: id, run: func(ctx context.Context, s *store.Store) (string, error) { return "", run(ctx, s, id) }}
	}
	return trials
}

// lookAt describes the rows of a query.
func lookAt(text string, args ...any) func(*testing.T, *store.Store) string {
	return func(t *testing.T, s *store.Store) string { return strings.Join(query(t, s, text, args...), "\n") }
}

// claimTrials asks for two coupons and again for the first in one slice, with the neighbour's refusal in it.
func claimTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		w := world{Fixture: w.Fixture, t: w.t, s: w.s, batch: w.batch, user: models.NewID(models.PrefixUser)}
		requests := w.claims(3)
		requests[1].BatchID = "bat_nobody"
		requests = append(requests, requests[0])
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			outcomes, err := s.Claim(ctx, requests)
			answer := ""
			for _, o := range outcomes {
				if o.Coupon != nil {
					answer += fmt.Sprint(o.Coupon.Ordinal, " ", o.Coupon.State)
				}
				answer += string(code(o.Err)) + "; "
			}
			return answer, err
		}
		trials[i].look = lookAt("SELECT c.ordinal, c.state, c.seq, e.kind FROM coupons c JOIN ledger_entries e ON e.coupon_id = c.id "+
			"WHERE c.user_id = ?", w.user)
	}
	return trials
}

// opening opens one redemption in each trial; change says how the caller names it.
func opening(name string, kind models.RedemptionKind, change func(*models.Redemption)) operation {
	return operation{name, func(w *world, n int) []trial {
		trials := make([]trial, n)
		for i, p := range w.plans(kind, n, func(p *models.Plan) { change(&p.Redemption) }) {
			trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
				open := s.OpenRedemptions
				if kind == models.KindHold {
					open = s.OpenHolds
				}
				out, err := open(ctx, []models.Plan{p})
				if err != nil {
					return "", err
				}
				return string(out[0].Redemption.State) + " " + string(code(out[0].Err)), nil
			}
			trials[i].look = func(t *testing.T, s *store.Store) string {
				coupon := p.Lines[0].CouponID
				ids := query(t, s, "SELECT redemption_id FROM redemption_lines WHERE coupon_id = ?", coupon)
				text := fmt.Sprint(len(ids))
				for _, id := range ids {
					text += "\n" + picture(t, s, id)
				}
				return text
			}
		}
		return trials
	}}
}

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
