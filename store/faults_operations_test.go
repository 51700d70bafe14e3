package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

func allOperations() []operation { return append(storedOperations(), heardOperations()...) }

func storedOperations() []operation {
	moves := map[string]stage{ // of the executors: where each has something to do
		"Begin": "NEW", "Await": "TRYING, paid", "Commit": "TRYING, paid", "Abandon": "WAITING, unpaid", "Finish": "COMMITTED, all",
		"BeginAuthorise": "TRYING, tried", "RecordAuthorise authorised": "TRYING, asked", "RecordAuthorise declined": "WAITING, asked",
		"SetPaymentMethod": "WAITING, declined", "BeginCapture": "COMMITTING", "RecordCaptured": "COMMITTING, charging",
		"RecordCaptureRefused": "COMMITTING, charging", "BeginVoid": "CLOSING", "RecordVoided": "CLOSING, voiding",
		"RecordRefunded": "COMMITTED, to refund", "SettleStray": "CANCELLED, stray", "WriteOff": "COMMITTING, lost",
		"Resolve confirm": "CLOSING", "Resolve cancel": "COMMITTED", "RecordCallback": "CANCELLED", "MarkStuck": "COMMITTED",
		"RecordCallback, disputed": "CONFIRMED", "KeepStray": "CONFIRMED", "SettleAttempt": "WAITING, paid before",
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
	all = append(all, messageOperations()...)
	all = append(all, batchOperations()...)
	all = append(all, distributionOperations()...)
	all = append(all, userOperations()...)
	all = append(all, reminderOperations()...)
	return append(all,
		onRedemptions("WriteOff, cancelling", "CLOSING, write-off", writeOff),
		onRedemptions("RecordCaptured, stray", "CANCELLED", stray),
		onRedemptions("RecordCallback, earlier attempt", "WAITING, another card", single(stepCalled)),
		onRedemptions("SettleStray, disputed", "CONFIRMED, disputed", single(step{run: stepOf("SettleStray")})),
		onRedemptions("Finish, cancelling", "CANCELLING, all", single(stepFinish)),
		onOrdersElsewhere("IntendBranch, trying", intend(models.BranchTrying)),
		onOrdersElsewhere("SettleBranch, tried", settle(models.BranchTried), intend(models.BranchTrying)),
		onOrdersElsewhere("SettleBranch, refused", settle(models.BranchRefused), intend(models.BranchTrying)),
		onOrdersElsewhere("IntendBranch, cancelling", intend(models.BranchCancelling), intend(models.BranchTrying), stepAbandon),
		onOrdersElsewhere("IntendBranch, never asked", intend(models.BranchCancelling), stepAbandon),
		onOrdersElsewhere("SettleBranch, cancelled", settle(models.BranchCancelled), intend(models.BranchTrying), stepAbandon, intend(models.BranchCancelling)),
		onPaymentsElsewhere("BeginAuthorise, elsewhere", stepAskElsewhere, "tried"),
		onPaymentsElsewhere("RecordAuthorise, elsewhere", stepAuthorised, "asked"),
		onPaymentsElsewhere("RecordCaptured, elsewhere", stepCaptured, "charging"),
		onPaymentsElsewhere("RecordVoided, elsewhere", stepVoided, "closing"),
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
		issuing(onRedemptions("TryCoupons, issuing", "TRYING", single(stepTryCoupons))),
		issuing(opening("OpenHolds, refused to issue", models.KindHold, func(r *models.Redemption) { r.UserID = "usr_other" })),
		issuing(onRedemptions("ConfirmCoupons, issued", "COMMITTED", single(stepConfirmCoupons))),
		issuing(onRedemptions("CancelCoupons, issued", "CANCELLING", single(stepCancelCoupons))),
		issuing(opening("OpenHolds, issuing", models.KindHold, func(*models.Redemption) {})),
		issuing(onHolds("CancelHolds, issued", func(ctx context.Context, s *store.Store, id string) error {
			return one(s.CancelHolds(ctx, []string{id}))
		})),
		issuing(operation{"ExpireHolds, issued", expireTrials}),
		operation{"Perform", performTrials},
		issuing(operation{"Perform, issuing", performTrials}),
		operation{"Claim, by code", codeClaimTrials},
		operation{"CreateCodes", codeTrials},
		operation{"ChangeCode", codeChangeTrials},
		operation{"ChangeCode, single", singleCodeTrials},
		operation{"CreateCodeJob", codeJobTrials(0)},
		operation{"MakeCodes", codeJobTrials(1)},
		operation{"CancelCodeJob", codeJobTrials(2)},
		operation{"ReleaseCodes", codeJobTrials(3)},
		operation{"NextCodeJob", codeJobTrials(4)},
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

func onRedemptions(name string, at stage, run func(context.Context, *store.Store, string) error) operation {
	return operation{name, func(w *world, n int) []trial { return trialsOn(w.at(at, n), run) }}
}

// issuing is the operation where coupons are issued on use.
func issuing(o operation) operation {
	plain := o.make
	o.make = func(w *world, n int) []trial {
		onUse := newOnUse(w.t, w.s)
		w.more = append(w.more, onUse.batch.ID)
		return plain(onUse, n)
	}
	return o
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
