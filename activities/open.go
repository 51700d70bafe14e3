package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// DefaultPayWithin is how long a customer has to pay.
const DefaultPayWithin = 15 * time.Minute

// OpenInput is a redemption that an order service asks for by starting the workflow. Caller and Key are its own; the same
// two always mean the same redemption, and another content under them is refused.
type OpenInput struct {
	Caller     string              `json:"caller"`
	Key        string              `json:"key"`
	MerchantID string              `json:"merchant_id,omitempty"` // "": the platform's own
	OrderID    string              `json:"order_id"`
	User       models.UserRef      `json:"user"`
	Cart       models.Cart         `json:"cart"`
	Facts      models.UserFacts    `json:"facts,omitzero"`
	CouponIDs  []string            `json:"coupon_ids,omitempty"`
	Codes      []string            `json:"codes,omitempty"`     // what the customer typed
	BatchIDs   []string            `json:"batch_ids,omitempty"` // batches that issue on use, without a code
	Payment    models.PaymentTerms `json:"payment"`
	PayWithin  time.Duration       `json:"pay_within,omitempty"` // 0: DefaultPayWithin
	// Participants are those that the order service serves with its own worker: see docs/participants.md.
	Participants models.Participants `json:"participants,omitzero"`
}

// MaxPayWithin is the longest that a customer may be given to pay.
const MaxPayWithin = 7 * 24 * time.Hour

// text is a part of a request with the least and the most characters of it.
type text struct {
	name, value string
	least, most int
}

// check bounds what an order service sends as the API bounds its requests: what the store can't hold would be tried for
// ever.
func (in OpenInput) check() error {
	faults := []string{}
	texts := []text{
		{"caller", in.Caller, 1, 100}, {"key", in.Key, 1, 255}, {"order_id", in.OrderID, 1, 200}, {"merchant_id", in.MerchantID, 0, 100},
		{"payment.method", in.Payment.Method, 0, 200},
	}
	if o := in.Participants.Order; o != nil {
		texts = append(texts, text{"participants.order.task_queue", o.TaskQueue, 1, 200})
	}
	if p := in.Participants.Payment; p != nil {
		texts = append(texts, text{"participants.payment.task_queue", p.TaskQueue, 1, 200})
		if in.Payment.Mode == models.PaymentLater {
			faults = append(faults, "payment.mode: must not be later with participants.payment, whose worker waits for the customer by itself")
		}
	}
	for _, text := range texts {
		if n := utf8.RuneCountInString(text.value); n < text.least || n > text.most || strings.TrimSpace(text.value) != text.value {
			faults = append(faults, fmt.Sprintf("%s: must be %d to %d characters without spaces around them", text.name, text.least, text.most))
		}
	}
	if in.PayWithin < 0 || in.PayWithin > MaxPayWithin {
		faults = append(faults, "pay_within: must be at most 7 days")
	}
	if n := len(in.names()); n > rules.MaxCoupons {
		faults = append(faults, fmt.Sprintf("coupon_ids, codes and batch_ids: must be at most %d together", rules.MaxCoupons))
	}
	if len(faults) == 0 {
		return nil
	}
	return models.NewError(models.CodeInvalidRequest, "the redemption can't be written as asked").With("errors", faults)
}

// OpenRedemption writes the redemption that an order service asked for, or finds the one it wrote before.
func (a *Redemptions) OpenRedemption(ctx context.Context, in OpenInput) (Status, error) {
	userID, err := a.Store.EnsureUser(ctx, in.User)
	if err != nil {
		return Status{}, asTemporal(err)
	}
	id := models.DerivedID(models.PrefixRedemption, in.Caller, in.Key)
	if err := a.open(ctx, in, rules.PlanInput{ID: id, UserID: userID}); err != nil {
		return Status{}, asTemporal(err)
	}
	return a.LookAtRedemption(ctx, RedemptionRef{RedemptionID: id})
}

// open writes the redemption unless the same request has written it before, whatever the rules would say today.
func (a *Redemptions) open(ctx context.Context, in OpenInput, p rules.PlanInput) error {
	if err := in.check(); err != nil {
		return err
	}
	p.Caller, p.Key, p.MerchantID, p.OrderID, p.Names = in.Caller, in.Key, in.MerchantID, in.OrderID, in.names()
	p.Kind, p.Cart, p.User, p.Payment, p.TTL = models.KindOrchestrated, in.Cart, in.Facts, in.Payment, in.PayWithin
	p.Participants = in.Participants
	p.LimitKeys = in.User.LimitKeys()
	if p.TTL <= 0 {
		p.TTL = DefaultPayWithin
	}
	plan, err := a.plan(ctx, in, p)
	if err != nil {
		request, _ := p.Request()
		if prior, lookup := a.Store.PriorRedemption(ctx, request); lookup != nil || prior != nil {
			return cmp.Or(lookup, refusalOf(prior))
		}
		return err
	}
	out, err := a.Store.OpenRedemptions(ctx, []models.Plan{plan})
	if err != nil {
		return err
	}
	return refusalOf(&out[0])
}

func refusalOf(o *store.RedemptionOutcome) error {
	if o == nil || o.Err == nil {
		return nil
	}
	return o.Err
}

// names are the coupons as they were asked for.
func (in OpenInput) names() []string {
	names := slices.Clone(in.CouponIDs)
	for _, text := range in.Codes {
		names = append(names, "code:"+models.CodeName(text))
	}
	for _, id := range in.BatchIDs {
		names = append(names, "batch:"+id)
	}
	return names
}

func (a *Redemptions) plan(ctx context.Context, in OpenInput, p rules.PlanInput) (models.Plan, error) {
	q := store.OfferQuery{UserID: p.UserID, LimitKeys: p.LimitKeys, MerchantID: in.MerchantID, CouponIDs: in.CouponIDs, BatchIDs: in.BatchIDs}
	for _, text := range in.Codes {
		q.Codes = append(q.Codes, models.CodeName(text))
	}
	found, err := a.Store.Offers(ctx, q)
	if err != nil {
		return models.Plan{}, err
	}
	if len(found.Missing) > 0 {
		return models.Plan{}, found.Missing[0].NotFound()
	}
	p.Offers, p.At = found.Offers, found.At
	return rules.Plan(p)
}
