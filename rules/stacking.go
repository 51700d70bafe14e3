package rules

import (
	"cmp"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// Level says when a coupon is applied, and to what: those of the items first, then those of the order, both to goods,
// then those of the shipping, to deliveries.
type Level string

// The levels. The zero value means the kind's own: shipping for free_shipping, item for fixed_price and buy_x_get_y, else
// order.
const (
	LevelItem     Level = "item"
	LevelOrder    Level = "order"
	LevelShipping Level = "shipping"
)

// MaxCoupons is the most coupons that one cart may use together, so that pricing stays bounded.
const MaxCoupons = 20

// maxPriority bounds Stacking.Priority in both directions.
const maxPriority = 1000

// Stacking says what a coupon may be combined with, and in which order. Two coupons are combined only if both allow it.
// The zero value is used alone, on the level of the order.
type Stacking struct {
	Level              Level    `json:"level,omitempty" enum:"item,order,shipping" doc:"Coupons of the items are applied first, then those of the order, then those of the shipping, which discount deliveries. Default: shipping for free_shipping, item for fixed_price and buy_x_get_y, else order."`
	Priority           int64    `json:"priority,omitempty" minimum:"-1000" maximum:"1000" doc:"Within a level the lower goes first; equal ones go by coupon id."`
	Stackable          bool     `json:"stackable,omitempty" doc:"false: used alone, with no other coupon. Default false."`
	Exclusive          bool     `json:"exclusive,omitempty" doc:"The only coupon of its level; those of other levels may join it if stackable."`
	Group              string   `json:"group,omitempty" maxLength:"100" doc:"At most one coupon of the same merchant and group. Default: no group."`
	ExcludeBatchIDs    []string `json:"exclude_batch_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Never together with coupons of these batches."`
	ExcludeMerchantIDs []string `json:"exclude_merchant_ids,omitempty" minItems:"1" maxItems:"1000" nullable:"false" doc:"Never together with coupons of these merchants."`
	MaxCoupons         int64    `json:"max_coupons,omitempty" minimum:"0" maximum:"20" doc:"The most coupons of an order that uses this one, itself included. 0: 20."`
}

func (s Stacking) check(f *faults) {
	if s.Level != "" && s.Level != LevelItem && s.Level != LevelOrder && s.Level != LevelShipping {
		f.add("stacking.level", "must be %s, %s or %s", LevelItem, LevelOrder, LevelShipping)
	}
	f.within("stacking.priority", s.Priority, -maxPriority, maxPriority)
	if len(s.Group) > MaxIDLength {
		f.add("stacking.group", "must be at most %d bytes", MaxIDLength)
	}
	f.ids("stacking.exclude_batch_ids", s.ExcludeBatchIDs)
	f.ids("stacking.exclude_merchant_ids", s.ExcludeMerchantIDs)
	f.within("stacking.max_coupons", s.MaxCoupons, 0, MaxCoupons)
}

// The ranks order the levels.
const (
	rankItem = iota
	rankOrder
	rankShipping
)

// rank is that of the rule's level.
func (r *Rule) rank() int {
	switch r.Stacking.Level {
	case LevelItem:
		return rankItem
	case LevelOrder:
		return rankOrder
	case LevelShipping:
		return rankShipping
	}
	switch r.Kind {
	case KindFreeShipping:
		return rankShipping
	case KindFixedPrice, KindBuyXGetY:
		return rankItem
	default:
		return rankOrder
	}
}

// limit returns how many coupons an order with this one may use.
func (s Stacking) limit() int {
	if s.MaxCoupons == 0 {
		return MaxCoupons
	}
	return int(s.MaxCoupons)
}

// applied orders coupons as they are applied. Ids are unique, so the order is total.
func applied(a, b *coupon) int {
	return cmp.Or(
		cmp.Compare(a.rank, b.rank),
		cmp.Compare(a.Rule.Stacking.Priority, b.Rule.Stacking.Priority),
		cmp.Compare(a.id, b.id),
	)
}

// clash reports whether two coupons may never be used together.
func clash(a, b *coupon) bool {
	s, t := &a.Rule.Stacking, &b.Rule.Stacking
	return !s.Stackable || !t.Stackable ||
		(s.Exclusive || t.Exclusive) && a.rank == b.rank ||
		s.Group != "" && s.Group == t.Group && a.MerchantID == b.MerchantID ||
		s.excludes(b.Candidate) || t.excludes(a.Candidate)
}

func (s *Stacking) excludes(c *Candidate) bool {
	return slices.Contains(s.ExcludeBatchIDs, c.BatchID) || slices.Contains(s.ExcludeMerchantIDs, c.MerchantID)
}

// refuseJoin says why c can't join the set, nil when it can. The set itself is one that may be used together.
func refuseJoin(set []*coupon, c *coupon) *refusal {
	o := hinder(set, c)
	if o.with < 0 {
		return nil
	}
	if o.uses != "" {
		return refuse(o.uses, models.InfoOf(o.uses).Meaning, "with", set[o.with].id)
	}
	err := notStackable(set[o.with])
	if o.limit > 0 {
		err.Params["max_coupons"] = o.limit
	}
	return err
}

// obstacle is what keeps a coupon from joining a set.
type obstacle struct {
	with  int         // which of the set; -1: none
	limit int         // the number of coupons that is reached; 0: that is not why
	uses  models.Code // of the bound on uses or issues that the set reaches; "": that is not why
}

func hinder(set []*coupon, c *coupon) obstacle {
	most, by := c.Rule.Stacking.limit(), len(set)-1
	var uses, issues int64
	for i, other := range set {
		if clash(other, c) {
			return obstacle{with: i}
		}
		if l := other.Rule.Stacking.limit(); l < most {
			most, by = l, i
		}
		if c.Room == nil || other.BatchID != c.BatchID {
			continue
		}
		uses++
		if uses >= c.Room.Uses {
			return obstacle{with: i, uses: c.Room.NoUses}
		}
		if c.CouponID != "" || other.CouponID != "" {
			continue
		}
		issues++
		if issues >= c.Room.Issues {
			return obstacle{with: i, uses: c.Room.NoIssues}
		}
	}
	if len(set) < most {
		return obstacle{with: -1}
	}
	return obstacle{with: by, limit: most}
}

func notStackable(with *coupon) *refusal {
	return refuse(models.CodeNotStackable, "the coupon can't be combined with another one", "with", with.id)
}
