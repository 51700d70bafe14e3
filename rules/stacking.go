package rules

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Level says when a coupon is applied: those of the items first, then those of the order.
type Level string

// The levels. The zero value means LevelOrder.
const (
	LevelItem  Level = "item"
	LevelOrder Level = "order"
)

// MaxCoupons is the most coupons that one cart may use together, so that pricing stays bounded.
const MaxCoupons = 20

// maxPriority bounds Stacking.Priority in both directions.
const maxPriority = 1000

// Stacking says what a coupon may be combined with, and in which order. Two coupons are combined only if both allow it.
// The zero value is used alone, on the level of the order.
type Stacking struct {
	Level              Level    `json:"level,omitempty" enum:"item,order" doc:"Coupons of the items are applied before those of the order. Default order."`
	Priority           int64    `json:"priority,omitempty" minimum:"-1000" maximum:"1000" doc:"Within a level the lower goes first; equal ones go by coupon id."`
	Stackable          bool     `json:"stackable,omitempty" doc:"false: used alone, with no other coupon. Default false."`
	Exclusive          bool     `json:"exclusive,omitempty" doc:"The only coupon of its level; those of other levels may join it if stackable."`
	Group              string   `json:"group,omitempty" maxLength:"100" doc:"At most one coupon of the same merchant and group. Default: no group."`
	ExcludeBatchIDs    []string `json:"exclude_batch_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Never together with coupons of these batches."`
	ExcludeMerchantIDs []string `json:"exclude_merchant_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Never together with coupons of these merchants."`
	MaxCoupons         int64    `json:"max_coupons,omitempty" minimum:"0" maximum:"20" doc:"The most coupons of an order that uses this one, itself included. 0: 20."`
}

func (s Stacking) check(f *faults) {
	if s.Level != "" && s.Level != LevelItem && s.Level != LevelOrder {
		f.add("stacking.level", "must be %s or %s", LevelItem, LevelOrder)
	}
	f.within("stacking.priority", s.Priority, -maxPriority, maxPriority)
	if len(s.Group) > MaxIDLength {
		f.add("stacking.group", "must be at most %d bytes", MaxIDLength)
	}
	f.ids("stacking.exclude_batch_ids", s.ExcludeBatchIDs)
	f.ids("stacking.exclude_merchant_ids", s.ExcludeMerchantIDs)
	f.within("stacking.max_coupons", s.MaxCoupons, 0, MaxCoupons)
}

// rank orders the levels.
func (s Stacking) rank() int {
	if s.Level == LevelItem {
		return 0
	}
	return 1
}

// limit returns how many coupons an order with this one may use.
func (s Stacking) limit() int {
	if s.MaxCoupons == 0 {
		return MaxCoupons
	}
	return int(s.MaxCoupons)
}

// applied orders coupons as they are applied. Ids are unique, so the order is total.
func applied(a, b coupon) int {
	s, t := &a.Rule.Stacking, &b.Rule.Stacking
	return cmp.Or(
		cmp.Compare(s.rank(), t.rank()),
		cmp.Compare(s.Priority, t.Priority),
		cmp.Compare(a.CouponID, b.CouponID),
	)
}

// clash reports whether two coupons may never be used together.
func clash(a, b *coupon) bool {
	s, t := &a.Rule.Stacking, &b.Rule.Stacking
	return !s.Stackable || !t.Stackable ||
		(s.Exclusive || t.Exclusive) && s.rank() == t.rank() ||
		s.Group != "" && s.Group == t.Group && a.MerchantID == b.MerchantID ||
		s.excludes(b.Candidate) || t.excludes(a.Candidate)
}

func (s *Stacking) excludes(c *Candidate) bool {
	return slices.Contains(s.ExcludeBatchIDs, c.BatchID) || slices.Contains(s.ExcludeMerchantIDs, c.MerchantID)
}

// refuseJoin says why c can't join the set, nil when it can. The set itself is one that may be used together.
func refuseJoin(set []coupon, c *coupon) *models.Error {
	with, limit := obstacle(set, c)
	switch {
	case with < 0:
		return nil
	case limit > 0:
		return notStackable(set[with]).With("max_coupons", limit)
	default:
		return notStackable(set[with])
	}
}

// obstacle returns which of the set keeps c from joining it, -1 when none does. Where the number of coupons is the
// reason, limit is the number; else it is 0.
func obstacle(set []coupon, c *coupon) (with, limit int) {
	most, by := c.Rule.Stacking.limit(), len(set)-1
	for i := range set {
		if clash(&set[i], c) {
			return i, 0
		}
		if l := set[i].Rule.Stacking.limit(); l < most {
			most, by = l, i
		}
	}
	if len(set) < most {
		return -1, 0
	}
	return by, most
}

func notStackable(with coupon) *models.Error {
	return models.NewError(models.CodeNotStackable, "the coupon can't be combined with another one").
		With("with", with.CouponID)
}
