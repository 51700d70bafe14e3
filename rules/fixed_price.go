package rules

import "github.com/tearoff/tearoff/models"

// FixedPrice makes each unit of the scope, or each bundle of so many units, cost the price. Units and bundles that cost
// less already stay as they are; units that don't fill a bundle are not discounted.
type FixedPrice struct {
	Price    int64 `json:"price" minimum:"1" maximum:"1000000000000" doc:"What a unit or bundle costs then, in minor units of the batch's currency."`
	Units    int64 `json:"units,omitempty" minimum:"0" maximum:"1000000000" doc:"How many units make a bundle. Default 1."`
	MaxTimes int64 `json:"max_times,omitempty" minimum:"0" maximum:"1000000000" doc:"The most units or bundles at this price. 0: all."`
	First    First `json:"first,omitempty" enum:"cheapest,dearest" doc:"In which order units are put into bundles. Default dearest."`
}

func (p *FixedPrice) check(f *faults) {
	f.within("fixed_price.price", p.Price, 1, models.MaxAmount)
	f.within("fixed_price.units", p.Units, 0, maxUnits)
	f.within("fixed_price.max_times", p.MaxTimes, 0, maxUnits)
	f.first("fixed_price.first", p.First)
}

func (*FixedPrice) needsCurrency() bool { return true }

func (p *FixedPrice) size() int64 { return max(1, p.Units) }

func (p *FixedPrice) refuse(v *view) *refusal {
	if n := v.paid(v.lines); n < p.size() {
		return tooFew(p.size(), n, p.size()-n)
	}
	return nil
}

func tooFew(minimum, count, shortfall int64) *refusal {
	return refuse(models.CodeTooFewUnits, "too few units are in the cart", "minimum", minimum, "count", count, "shortfall", shortfall)
}

func (p *FixedPrice) off(v *view) discount {
	first := p.First
	if first == "" {
		first = Dearest
	}
	b := bundler{FixedPrice: p, view: v, times: p.MaxTimes, discount: discount{over: v.zeros()}, group: v.work.group[:0]}
	if b.times == 0 {
		b.times = maxUnits
	}
	for _, r := range v.units(v.lines, first, OfRemaining) {
		b.add(r)
	}
	v.work.group = b.group
	return b.discount
}

// bundler fills bundles in the order of the runs. Those that lie within a run are all alike and counted at once.
type bundler struct {
	*FixedPrice
	view  *view
	times int64
	group []run // of the bundle that is being filled, at least one unit short of it
	discount
}

func (b *bundler) add(r run) {
	size := b.size()
	if len(b.group) > 0 {
		var have int64
		for _, g := range b.group {
			have += g.count
		}
		b.fill(&r, min(r.count, size-have))
		if have+b.group[len(b.group)-1].count == size {
			b.close()
		}
	}
	if whole := min(r.count/size, b.times); whole > 0 {
		off := max(0, r.value*size-b.Price) * whole
		b.over[r.line] += off
		b.total += off
		b.times -= whole
		r.count -= whole * size
	}
	if b.times > 0 && r.count > 0 {
		b.fill(&r, r.count)
	}
}

// fill moves n units of the run into the bundle.
func (b *bundler) fill(r *run, n int64) {
	part := *r
	part.count = n
	b.group = append(b.group, part)
	r.count -= n
}

// close discounts the filled bundle, divided over its units by what is left of them.
func (b *bundler) close() {
	weights, sum := b.view.work.weights[:0], int64(0)
	for _, g := range b.group {
		weights = append(weights, g.value*g.count)
		sum += g.value * g.count
	}
	if off := sum - b.Price; off > 0 {
		for i, part := range b.view.work.divider.spread(off, weights) {
			b.over[b.group[i].line] += part
		}
		b.total += off
	}
	b.view.work.weights, b.group = weights, b.group[:0]
	b.times--
}
