package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// Bounds of a batch.
const (
	maxQuantity      = models.MaxQuantity
	maxClaimsPerUser = 10_000
	maxValidSeconds  = 10 * 366 * 24 * 3600
)

// batchCheck collects everything that is wrong with a batch, each with its path.
type batchCheck struct {
	in     newBatch
	was    *models.Batch // that is edited: what stays as it is may be over. nil: a new one
	out    models.Batch
	faults []string
}

func (c *batchCheck) fault(path, format string, args ...any) {
	c.faults = append(c.faults, path+": "+fmt.Sprintf(format, args...))
}

func (c *batchCheck) within(path string, value, low, high int64) {
	if value < low || value > high {
		c.fault(path, "must be %d to %d", low, high)
	}
}

// checkBatch makes the batch that was asked for, or says in one CodeInvalidBatch all that is wrong with it. An
// edited batch was another before.
func (s *Server) checkBatch(ctx context.Context, in newBatch, merchantID string, was *models.Batch) (models.Batch, error) {
	in.ClaimMode = cmp.Or(in.ClaimMode, models.ClaimModeClaim)
	in.TimeZone = cmp.Or(in.TimeZone, "UTC")
	now, err := s.store.Now(ctx)
	if err != nil {
		return models.Batch{}, err
	}
	c := &batchCheck{in: in, was: was, out: models.Batch{
		Name: in.Name, ClaimMode: in.ClaimMode, Currency: in.Currency, TimeZone: in.TimeZone, ValidSeconds: in.ValidSeconds,
		ClaimsPerUser: in.ClaimsPerUser, LimitBy: in.LimitBy, Codes: in.Codes, Caps: in.Caps, Refunds: in.Refunds,
	}}
	if err := s.ruleOfBatch(ctx, c, merchantID); err != nil {
		return models.Batch{}, err
	}
	c.words()
	c.ways()
	c.codeTerms()
	c.limits()
	c.numbers()
	c.windows(now)
	if c.out.Notices, err = s.checkNotices(ctx, in.Notices, c.out.MerchantID, func(path, message string) { c.fault("notices."+path, "%s", message) }); err != nil {
		return models.Batch{}, err
	}
	if len(c.faults) > 0 {
		return models.Batch{}, models.NewError(models.CodeInvalidBatch, "the batch can't be used as written").With("errors", c.faults)
	}
	return c.out, nil
}

// ruleOfBatch finds the rule, and what it asks of a batch.
func (s *Server) ruleOfBatch(ctx context.Context, c *batchCheck, merchantID string) error {
	r, err := s.rule(ctx, c.in.RuleID, c.in.RuleVersion)
	switch {
	case models.CodeOf(err) == models.CodeNotFound:
		c.fault("rule_id", "there is no such rule or version")
		return nil
	case err != nil:
		return err
	case merchantID != "" && r.MerchantID != merchantID:
		c.fault("rule_id", "the rule is of another merchant than the batch")
	}
	content, err := rules.Parse(r.Content)
	if err != nil {
		return models.NewError(models.CodeInternal, "a stored rule can't be read").Wrap(err)
	}
	c.out.MerchantID, c.out.RuleID, c.out.RuleVersion = r.MerchantID, r.ID, r.Version
	if c.in.Currency == "" && (content.NeedsCurrency() || c.capsMoney()) {
		c.fault("currency", "is needed: the rule or a cap names an amount of money")
	}
	c.face(content)
	return nil
}

func (c *batchCheck) capsMoney() bool {
	caps := c.in.Caps
	return caps.Batch.Amount != nil || caps.User.Amount != nil || caps.UserDay.Amount != nil
}

// face takes over between which amounts the rule draws, and makes sure that the money is enough for every coupon.
func (c *batchCheck) face(content rules.Rule) {
	c.out.FaceMin, c.out.FaceMax = content.Face()
	if c.out.FaceMin == 0 {
		return
	}
	if known(c.in.ClaimMode) && c.in.ClaimMode != models.ClaimModeClaim {
		c.fault("claim_mode", "must be claim: the rule draws what a coupon is worth when a user gets it")
	}
	money, coupons := c.in.Caps.Batch.Amount, int64(1)
	if c.in.Quantity != nil {
		coupons = max(1, *c.in.Quantity)
	}
	if money != nil && *money/coupons < c.out.FaceMin { // not the product, which may be beyond an int64
		c.fault("caps.batch.amount", "must be at least %d for each of %d coupons", c.out.FaceMin, coupons)
	}
}

func known(mode models.ClaimMode) bool {
	return mode == models.ClaimModeClaim || mode == models.ClaimModeOnUse || mode == models.ClaimModeAuto
}

func (c *batchCheck) words() {
	if strings.TrimSpace(c.in.Name) == "" {
		c.fault("name", "must be set")
	}
	if c.in.Currency != "" && !c.in.Currency.Valid() {
		c.fault("currency", "must be an ISO 4217 code")
	}
	if _, err := time.LoadLocation(c.in.TimeZone); err != nil || c.in.TimeZone == "Local" {
		c.fault("time_zone", "must be an IANA name, such as Europe/Berlin")
	}
}

// ways are how users come by a coupon.
func (c *batchCheck) ways() {
	if !known(c.in.ClaimMode) {
		c.fault("claim_mode", "must be claim, on_use or auto")
	}
	switch c.in.Codes {
	case models.CodesNone:
	case models.CodesShared, models.CodesSingle:
		if c.in.ClaimMode == models.ClaimModeAuto {
			c.fault("codes", "must not be set: nobody asks for coupons of an auto batch")
		}
	default:
		c.fault("codes", "must be shared or single, or not be set")
	}
}

func (c *batchCheck) limits() {
	if len(c.in.LimitBy) > 0 && c.in.ClaimsPerUser == 0 {
		c.fault("limit_by", "needs claims_per_user")
	}
	for i, kind := range c.in.LimitBy {
		path := fmt.Sprintf("limit_by[%d]", i)
		if !slices.Contains(models.LimitKinds(), kind) {
			c.fault(path, "must be user, email, phone, device or card")
		}
		if slices.Contains(c.in.LimitBy[:i], kind) {
			c.fault(path, "comes twice")
		}
	}
}

func (c *batchCheck) numbers() {
	if c.in.Quantity != nil {
		c.within("quantity", *c.in.Quantity, 1, maxQuantity)
	}
	c.within("claims_per_user", int64(c.in.ClaimsPerUser), 0, maxClaimsPerUser)
	c.within("valid_seconds", c.in.ValidSeconds, 0, maxValidSeconds)
	for _, bound := range []struct {
		path string
		cap  models.Cap
	}{{"caps.batch", c.in.Caps.Batch}, {"caps.user", c.in.Caps.User}, {"caps.user_day", c.in.Caps.UserDay}} {
		if bound.cap.Uses != nil {
			c.within(bound.path+".uses", *bound.cap.Uses, 0, maxQuantity)
		}
		if bound.cap.Amount != nil {
			c.within(bound.path+".amount", *bound.cap.Amount, 0, models.MaxAmount)
		}
	}
}

func (c *batchCheck) windows(now models.Time) {
	in, out := &c.in, &c.out
	w := windows{zone: out.Zone(), fault: func(path, message string) { c.fault(path, "%s", message) }}
	out.ClaimFrom, out.ClaimUntil = w.start("claim_from", in.ClaimFrom), w.end("claim_until", in.ClaimUntil)
	out.ValidFrom, out.ValidUntil = w.start("valid_from", in.ValidFrom), w.end("valid_until", in.ValidUntil)
	if in.ValidUntil == nil && in.ValidSeconds == 0 {
		c.fault("valid_until", "is needed, or valid_seconds: a coupon doesn't last for ever")
	}
	if c.was == nil || c.was.ClaimUntil != out.ClaimUntil {
		c.ends("claim_until", out.ClaimUntil, now)
	}
	if c.was == nil || c.was.ValidUntil != out.ValidUntil {
		c.ends("valid_until", out.ValidUntil, now)
	}
	w.follows("claim_until", out.ClaimUntil, "claim_from", out.ClaimFrom)
	w.follows("valid_until", out.ValidUntil, "valid_from", out.ValidFrom)
	w.follows("valid_until", out.ValidUntil, "claim_from", out.ClaimFrom)
}

func (c *batchCheck) ends(path string, at, now models.Time) {
	if !at.IsZero() && !at.After(now) {
		c.fault(path, "must be in the future")
	}
}
