package rules

// Each says what a discount is taken off anew.
type Each string

// The zero value of Each takes it off the scope as a whole.
const (
	EachLine Each = "line"
	EachUnit Each = "unit"
)

// maxUnits bounds every number of units in a rule: a full cart has no more.
const maxUnits = 1_000_000_000

// Application says how a discount meets its scope. The zero value: once, off the scope as a whole.
type Application struct {
	Each     Each  `json:"each,omitempty" enum:"line,unit" doc:"Taken off each line or each unit of the scope. Default: once, off the scope as a whole."`
	MaxUnits int64 `json:"max_units,omitempty" minimum:"0" maximum:"1000000000" doc:"Only so many units of the scope are discounted. 0: all."`
	First    First `json:"first,omitempty" enum:"cheapest,dearest" doc:"Which units max_units keeps. Default cheapest."`
}

func (a Application) check(path string, f *faults) {
	if a.Each != "" && a.Each != EachLine && a.Each != EachUnit {
		f.add(path+".each", "must be %s or %s", EachLine, EachUnit)
	}
	f.within(path+".max_units", a.MaxUnits, 0, maxUnits)
	f.first(path+".first", a.First)
	if a.First != "" && a.MaxUnits == 0 {
		f.add(path+".first", "says nothing without max_units")
	}
}

// taker says what is taken off an amount: never more than is left of it, and never less when more is left.
type taker interface {
	take(left, initial int64) int64
	of() Of // which of the two counts
}

// off applies the taker to the view.
func (a Application) off(v *view, t taker) discount {
	if a.Each == EachUnit || a.MaxUnits > 0 {
		return a.offUnits(v, t)
	}
	if a.Each == "" {
		return discount{total: t.take(v.sum())}
	}
	d := discount{over: v.zeros()}
	for i, k := range v.lines {
		d.over[i] = t.take(v.left[k], v.prices[k])
		d.total += d.over[i]
	}
	return d
}

func (a Application) offUnits(v *view, t taker) discount {
	by := t.of()
	if a.Each == EachLine {
		by = OfInitial // else a coupon before it could spread the units over more lines, and so make it worth more
	}
	runs := atMost(v.units(v.lines, a.First, by), a.MaxUnits)
	d := discount{over: v.zeros()}
	if a.Each == EachUnit {
		for _, r := range runs {
			off := t.take(r.value, r.initial) * r.count
			d.over[r.line] += off
			d.total += off
		}
		return d
	}
	initial := v.work.weights[:0]
	for range v.lines {
		initial = append(initial, 0)
	}
	v.work.weights = initial
	var left, before int64
	for _, r := range runs {
		d.over[r.line] += r.value * r.count
		initial[r.line] += r.initial * r.count
		left, before = left+r.value*r.count, before+r.initial*r.count
	}
	if a.Each == "" {
		d.total = t.take(left, before)
		return d
	}
	for i := range d.over {
		d.over[i] = t.take(d.over[i], initial[i])
		d.total += d.over[i]
	}
	return d
}
