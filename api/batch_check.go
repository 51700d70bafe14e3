package api

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// Bounds of a batch.
const (
	maxQuantity      = 1_000_000_000
	maxClaimsPerUser = 10_000
	maxValidSeconds  = 10 * 366 * 24 * 3600
)

// latest is after every instant that a batch may name: beyond the year 9999 the store can't keep one.
var latest = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// batchCheck collects everything that is wrong with a batch, each with its path.
type batchCheck struct {
	in     newBatch
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

// checkBatch makes the batch that was asked for, or says in one CodeInvalidBatch all that is wrong with it.
func (s *Server) checkBatch(ctx context.Context, in newBatch, merchantID string) (models.Batch, error) {
	if in.ClaimMode == "" {
		in.ClaimMode = models.ClaimModeClaim
	}
	if in.TimeZone == "" {
		in.TimeZone = "UTC"
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return models.Batch{}, err
	}
	c := &batchCheck{in: in}
	rule, err := s.ruleOfBatch(ctx, c, merchantID)
	if err != nil {
		return models.Batch{}, err
	}
	c.words()
	c.numbers()
	c.windows(now)
	if len(c.faults) > 0 {
		return models.Batch{}, models.NewError(models.CodeInvalidBatch, "the batch can't be used as written").With("errors", c.faults)
	}
	return models.Batch{
		MerchantID: rule.MerchantID, RuleID: rule.ID, RuleVersion: rule.Version, Name: in.Name, ClaimMode: in.ClaimMode, Currency: in.Currency,
		TimeZone: in.TimeZone, ClaimFrom: stored(in.ClaimFrom), ClaimUntil: stored(in.ClaimUntil), ValidFrom: stored(in.ValidFrom),
		ValidUntil: stored(in.ValidUntil), ValidSeconds: in.ValidSeconds, ClaimsPerUser: in.ClaimsPerUser, Caps: in.Caps,
	}, nil
}

// ruleOfBatch finds the rule and whether it needs a currency.
func (s *Server) ruleOfBatch(ctx context.Context, c *batchCheck, merchantID string) (models.Rule, error) {
	r, err := s.rule(ctx, c.in.RuleID, c.in.RuleVersion)
	switch {
	case models.CodeOf(err) == models.CodeNotFound:
		c.fault("rule_id", "there is no such rule or version")
		return r, nil
	case err != nil:
		return r, err
	case merchantID != "" && r.MerchantID != merchantID:
		c.fault("rule_id", "the rule is of another merchant than the batch")
	}
	content, err := rules.Parse(r.Content)
	if err != nil {
		return r, models.NewError(models.CodeInternal, "a stored rule can't be read").Wrap(err)
	}
	if c.in.Currency == "" && (content.NeedsCurrency() || c.capsMoney()) {
		c.fault("currency", "is needed: the rule or a cap names an amount of money")
	}
	return r, nil
}

func (c *batchCheck) capsMoney() bool {
	caps := c.in.Caps
	return caps.Batch.Amount != nil || caps.User.Amount != nil || caps.UserDay.Amount != nil
}

func (c *batchCheck) words() {
	if strings.TrimSpace(c.in.Name) == "" {
		c.fault("name", "must be set")
	}
	if c.in.ClaimMode != models.ClaimModeClaim {
		c.fault("claim_mode", "must be claim")
	}
	if c.in.Currency != "" && !c.in.Currency.Valid() {
		c.fault("currency", "must be an ISO 4217 code")
	}
	if _, err := time.LoadLocation(c.in.TimeZone); err != nil || c.in.TimeZone == "Local" {
		c.fault("time_zone", "must be an IANA name, such as Europe/Berlin")
	}
}

func (c *batchCheck) numbers() {
	if c.in.Quantity != nil {
		c.within("quantity", *c.in.Quantity, 1, maxQuantity)
	}
	c.within("claims_per_user", int64(c.in.ClaimsPerUser), 0, maxClaimsPerUser)
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
	in := c.in
	for _, at := range []struct {
		path string
		*time.Time
	}{{"claim_from", in.ClaimFrom}, {"claim_until", in.ClaimUntil}, {"valid_from", in.ValidFrom}, {"valid_until", in.ValidUntil}} {
		if at.Time != nil && (at.Year() < 2000 || at.After(latest)) {
			c.fault(at.path, "must be of the years 2000 to 9000")
		}
	}
	if in.ValidUntil == nil && in.ValidSeconds == 0 {
		c.fault("valid_until", "is needed, or valid_seconds: a coupon doesn't last for ever")
	}
	c.within("valid_seconds", in.ValidSeconds, 0, maxValidSeconds)
	c.ends("claim_until", in.ClaimUntil, now)
	c.ends("valid_until", in.ValidUntil, now)
	c.follows("claim_until", in.ClaimUntil, "claim_from", in.ClaimFrom)
	c.follows("valid_until", in.ValidUntil, "valid_from", in.ValidFrom)
	c.follows("valid_until", in.ValidUntil, "claim_from", in.ClaimFrom)
}

func (c *batchCheck) ends(path string, at *time.Time, now models.Time) {
	if at != nil && !at.After(now.Time) {
		c.fault(path, "must be in the future")
	}
}

func (c *batchCheck) follows(path string, at *time.Time, before string, than *time.Time) {
	if at != nil && than != nil && !at.After(*than) {
		c.fault(path, "must be after %s", before)
	}
}

// stored is an instant as the store keeps it; nil is none.
func stored(t *time.Time) models.Time {
	if t == nil {
		return models.Time{}
	}
	return models.NewTime(*t)
}
