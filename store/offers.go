package store

import (
	"context"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// OfferQuery asks for what a user could use: coupons that are owned, and those that would be issued when they are used.
type OfferQuery struct {
	UserID     string             // "": one that Tearoff doesn't know, without coupons
	LimitKeys  []models.LimitKey  // what the request names the user by
	MerchantID string             // only batches of this merchant; "": of all
	Wallet     int                // so many coupons of the wallet that are not over, soonest expiry first
	CouponIDs  []string           // these coupons
	Codes      []string           // what these codes get: keys, from models.CodeKey
	BatchIDs   []string           // what these batches issue on use without a code
	Auto       []string           // every active auto batch of these merchants; "" is the platform's own
	DraftIDs   []string           // these drafts, as if they were published and needed neither claim nor code
	Unjudged   bool               // whether the user can use them is not asked: no counters, caps and limits are read
	Hold       *models.Redemption // a waiting hold: what it has is offered to it as if it were free
	At         models.Time        // judge for this instant; zero: now
}

// Offered are the offers of an OfferQuery: coupons, then codes, batches and drafts, each in the order asked.
type Offered struct {
	Offers  []models.Offer
	Missing []models.CouponRef // what was named and isn't there, for this user and merchant
	At      models.Time        // the instant it was judged for
}

// Offers answers an OfferQuery with a fixed number of questions to the database, however many offers there are.
func (s *Store) Offers(ctx context.Context, q OfferQuery) (Offered, error) {
	g := gathering{store: s, q: q, own: ownHoldOf(q.Hold)}
	for _, step := range []func(context.Context) error{g.findCoupons, g.findCodes, g.findBatches, g.readBatches, g.readUse, g.readLimits} {
		if err := step(ctx); err != nil {
			return Offered{}, err
		}
	}
	return g.offered(), nil
}

// gathering is an OfferQuery under way.
type gathering struct {
	store   *Store
	q       OfferQuery
	coupons []models.Coupon
	codes   map[string]*models.CouponCode
	onUse   []string // batches that are offered without a coupon or code
	batches map[string]*models.Batch
	rules   map[ruleKey]*models.Rule
	use     usage
	limits  map[string]models.LimitUse
	blocked bool
	own     ownHold
	fresh   Fresh // of the users and batches
}

func (g *gathering) findCoupons(ctx context.Context) (err error) {
	switch {
	case g.q.UserID == "":
		return nil
	case len(g.q.CouponIDs)+len(g.own.issued) > 0:
		ids := slices.DeleteFunc(slices.Concat(g.q.CouponIDs, g.own.ids()), notID(models.PrefixCoupon))
		err = g.store.db.WithContext(ctx).Find(&g.coupons, "id IN ? AND user_id = ?", ids, g.q.UserID).Error
	case g.q.Wallet > 0 && g.q.At.IsZero() && g.q.MerchantID == "" && g.q.Wallet <= hotCoupons:
		g.coupons, err = g.store.hotWallet(ctx, g.q.UserID)
		g.coupons = g.coupons[:min(len(g.coupons), g.q.Wallet)]
	case g.q.Wallet > 0:
		w := WalletQuery{UserID: g.q.UserID, MerchantID: g.q.MerchantID, Limit: g.q.Wallet, Valid: true, At: g.q.At, States: usable}
		g.coupons, err = g.store.wallet(ctx, w)
	}
	return asError(err)
}

func (g *gathering) findCodes(ctx context.Context) error {
	if len(g.q.Codes) == 0 {
		return nil
	}
	found, err := g.store.findCodes(ctx, g.q.Codes)
	if err != nil {
		return err
	}
	g.codes, g.q.Codes = make(map[string]*models.CouponCode, len(found)), slices.Clone(g.q.Codes)
	for i, typed := range g.q.Codes {
		if c := found[typed]; c != nil {
			g.codes[c.CodeKey], g.q.Codes[i] = c, c.CodeKey // from here on it has the name that it is stored under
		}
	}
	return nil
}

func (g *gathering) findBatches(ctx context.Context) error {
	for _, id := range g.q.BatchIDs {
		if !slices.Contains(g.onUse, id) {
			g.onUse = append(g.onUse, id)
		}
	}
	if len(g.q.Auto) == 0 {
		return nil
	}
	auto, err := g.store.autoBatches(ctx, g.q.Auto, g.q.At)
	for _, merchantID := range g.q.Auto {
		for _, id := range auto[merchantID] {
			if !slices.Contains(g.onUse, id) {
				g.onUse = append(g.onUse, id)
			}
		}
	}
	return err
}

// batchIDs are those of everything that was found, each once.
func (g *gathering) batchIDs() []string {
	ids := slices.Concat(g.onUse, g.q.DraftIDs)
	for i := range g.coupons {
		ids = append(ids, g.coupons[i].BatchID)
	}
	for _, c := range g.codes {
		ids = append(ids, c.BatchID)
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), notID(models.PrefixBatch))
}

func notID(prefix string) func(id string) bool {
	return func(id string) bool { return !models.IsID(id, prefix) }
}

func (g *gathering) readBatches(ctx context.Context) (err error) {
	ids := g.batchIDs()
	for _, id := range ids {
		g.fresh.see(g.store.hot, id)
	}
	if g.batches, err = g.store.batchConfigs(ctx, ids); err != nil {
		return err
	}
	keys := make([]ruleKey, 0, len(g.coupons)+len(g.batches))
	for i := range g.coupons {
		keys = append(keys, ruleKey{g.coupons[i].RuleID, g.coupons[i].RuleVersion})
	}
	for _, b := range g.batches {
		keys = append(keys, ruleKey{b.RuleID, b.RuleVersion})
	}
	g.rules, err = g.store.ruleVersions(ctx, keys)
	return err
}

// readUse reads counters, in one question: those of the batches that count users with the user's, the others only when
// they aren't kept.
func (g *gathering) readUse(ctx context.Context) (err error) {
	if g.q.Unjudged { // only the clock
		g.use, err = g.store.hotUsage(ctx, nil)
		if err == nil && g.q.At.IsZero() {
			g.q.At = g.use.now
		}
		return err
	}
	ids := make([]string, 0, len(g.batches))
	users := false
	for id, b := range g.batches {
		ids, users = append(ids, id), users || b.Caps.CountsUsers()
	}
	slices.Sort(ids)
	if users && g.q.UserID != "" {
		g.use, err = g.store.usage(ctx, ids, g.q.UserID, g.q.At)
	} else {
		g.use, err = g.store.hotUsage(ctx, ids)
	}
	if err == nil && g.q.At.IsZero() {
		g.q.At = g.use.now
	}
	return err
}

func (g *gathering) readLimits(ctx context.Context) (err error) {
	if g.q.Unjudged {
		return nil
	}
	limited := make(map[string]*models.Batch, len(g.onUse)+len(g.codes))
	limit := func(id string) {
		if b := g.batches[id]; b != nil && b.ClaimsPerUser > 0 {
			limited[id] = b
		}
	}
	for _, id := range g.onUse {
		limit(id)
	}
	for _, c := range g.codes {
		limit(c.BatchID)
	}
	if len(g.onUse)+len(g.codes) > 0 && g.q.UserID != "" {
		if g.blocked, err = g.store.hotBlocked(ctx, g.q.UserID); err != nil {
			return err
		}
	}
	g.limits, err = g.store.limitUse(ctx, g.q.UserID, g.q.LimitKeys, limited)
	return err
}

// visible returns a batch that exists and that the query may see.
func (g *gathering) visible(id string) (*models.Batch, bool) {
	b := g.batches[id]
	return b, b != nil && (g.q.MerchantID == "" || g.q.MerchantID == b.MerchantID)
}

func (g *gathering) offered() Offered {
	out := Offered{At: g.q.At, Offers: make([]models.Offer, 0, len(g.coupons)+len(g.q.Codes)+len(g.onUse)+len(g.q.DraftIDs))}
	add := func(ref models.CouponRef, c models.Coupon, batchID string, code *models.CouponCode) {
		b, ok := g.visible(batchID)
		if !ok {
			out.Missing = append(out.Missing, ref)
			return
		}
		out.Offers = append(out.Offers, g.offer(c, b, code))
	}
	for _, c := range g.named() {
		add(models.CouponRef{CouponID: c.ID}, c, c.BatchID, nil)
	}
	for _, key := range g.q.Codes {
		if c, held := g.held(key); held {
			add(models.CouponRef{CouponID: c.ID}, c, c.BatchID, nil)
		} else if code := g.codes[key]; code != nil {
			add(models.CouponRef{Code: key}, models.Coupon{}, code.BatchID, code)
		} else {
			out.Missing = append(out.Missing, models.CouponRef{Code: key})
		}
	}
	for _, id := range g.onUse {
		if c, held := g.held(id); held {
			add(models.CouponRef{CouponID: c.ID}, c, c.BatchID, nil)
			continue
		}
		add(models.CouponRef{BatchID: id}, models.Coupon{}, id, nil)
	}
	issued := len(out.Offers)
	for _, id := range g.q.DraftIDs {
		add(models.CouponRef{BatchID: id}, models.Coupon{}, id, nil)
	}
	for i := range out.Offers[issued:] {
		publish(&out.Offers[issued+i])
	}
	return out
}

// named are the coupons in the order they were asked for, those that aren't there by their id alone; the wallet has its
// own order.
func (g *gathering) named() []models.Coupon {
	if len(g.q.CouponIDs) == 0 && g.q.Hold == nil {
		return g.coupons
	}
	byID := make(map[string]int, len(g.coupons))
	for i := range g.coupons {
		byID[g.coupons[i].ID] = i
	}
	list := make([]models.Coupon, len(g.q.CouponIDs))
	for i, id := range g.q.CouponIDs {
		if at, found := byID[id]; found {
			list[i] = g.coupons[at]
		} else {
			list[i].ID = id
		}
	}
	return list
}

func (g *gathering) offer(c models.Coupon, b *models.Batch, code *models.CouponCode) models.Offer {
	key := ruleKey{b.RuleID, b.RuleVersion}
	if c.ID != "" {
		key = ruleKey{c.RuleID, c.RuleVersion}
	}
	o := models.Offer{
		Coupon: c, Code: code, Batch: b, Rule: g.rules[key], Counter: g.use.counters[b.ID], At: g.q.At,
		User: g.use.users[userDay{b.ID, g.q.UserID, ""}], UserDay: g.use.users[userDay{b.ID, g.q.UserID, b.Day(g.q.At)}],
	}
	if c.ID == "" {
		o.Limit = g.limits[b.ID]
		o.Limit.Blocked = g.blocked
	}
	if !g.q.Unjudged {
		g.own.free(&o)
	}
	return o
}

// publish makes a draft what it would be after publication, and lets nobody need a coupon before.
func publish(o *models.Offer) {
	batch, counter := *o.Batch, *o.Counter
	if counter.State == models.BatchDraft {
		counter.State = models.BatchActive
	}
	batch.ClaimMode, batch.Codes = models.ClaimModeAuto, models.CodesNone
	o.Batch, o.Counter = &batch, &counter
}
