package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// maxFaults bounds an answer about a rule that is wrong everywhere.
const maxFaults = 100

// Parse reads a rule and checks it. It is strict: unknown and repeated fields, other spellings of a name, null and empty
// lists are faults, because each of them can turn a narrow discount into a wide one without anybody seeing it.
//
// The error is a *models.Error with CodeInvalidRule; its parameter "errors" is a []string with every fault, each with its
// path, such as "conditions.minimum_spend: must be 0 to 1000000000000" (at most 100 of them).
func Parse(raw json.RawMessage) (Rule, error) {
	f := &faults{seen: map[string]bool{}}
	var r Rule
	if json.Valid(raw) {
		f.decode("", bytes.TrimSpace(raw), reflect.ValueOf(&r).Elem())
		r.check(f)
	} else {
		f.add("rule", "is not valid JSON")
	}
	if len(f.list) > 0 {
		return Rule{}, models.NewError(models.CodeInvalidRule, "the rule can't be used as written").With("errors", f.list)
	}
	return r, nil
}

func (r *Rule) check(f *faults) {
	known := make([]string, 0, len(r.parts()))
	found := false
	for _, p := range r.parts() {
		known = append(known, string(p.kind))
		switch {
		case p.kind == r.Kind && p.set:
			found = true
			p.benefit.check(f)
		case p.kind == r.Kind:
			found = true
			f.add(string(p.kind), "must be set, since it is the rule's kind")
		case p.set:
			f.add(string(p.kind), "must not be set, since it is not the rule's kind")
		}
	}
	if !found {
		f.add("kind", "must be one of %s", strings.Join(known, ", "))
	}
	r.Scope.check("scope", f)
	r.Conditions.check(f)
	r.Stacking.check(f)
	r.checkLevel(f)
	r.FundedBy.check(f)
}

// checkLevel keeps kinds that are about units of goods away from deliveries.
func (r *Rule) checkLevel(f *faults) {
	shipping := r.rank() == rankShipping
	switch r.Kind {
	case KindAmountOff, KindPercentOff, KindTiered:
		if a := r.application(); shipping && a != nil && *a != (Application{}) {
			f.add(string(r.Kind)+".each", "each, max_units and first are not for the level shipping")
		}
	case KindFreeShipping:
		if !shipping {
			f.add("stacking.level", "must be shipping, which is the default for this kind")
		}
	case KindFixedPrice, KindBuyXGetY, KindFreeGift, KindRandomAmount:
		if shipping {
			f.add("stacking.level", "must be item or order for this kind")
		}
	}
}

func (r *Rule) application() *Application {
	switch {
	case r.AmountOff != nil:
		return &r.AmountOff.Application
	case r.PercentOff != nil:
		return &r.PercentOff.Application
	case r.Tiered != nil:
		return &r.Tiered.Application
	}
	return nil
}

// faults collects what is wrong with a rule: the first fault of each path, so that a value that couldn't be read is not
// reported again as missing.
type faults struct {
	list []string
	seen map[string]bool
}

func (f *faults) add(path, format string, args ...any) {
	if f.seen[path] || len(f.list) == maxFaults {
		return
	}
	f.seen[path] = true
	f.list = append(f.list, path+": "+fmt.Sprintf(format, args...))
}

func (f *faults) within(path string, value, low, high int64) {
	if value < low || value > high {
		f.add(path, "must be %d to %d", low, high)
	}
}

func (f *faults) first(path string, first First) {
	if first != "" && first != Cheapest && first != Dearest {
		f.add(path, "must be %s or %s", Cheapest, Dearest)
	}
}

func (f *faults) ids(path string, ids []string) {
	if len(ids) > MaxSelectorIDs {
		f.add(path, "must have at most %d entries", MaxSelectorIDs)
		return
	}
	seen := make(map[string]bool, len(ids))
	for i, id := range ids {
		if id == "" || len(id) > MaxIDLength || seen[id] {
			f.add(fmt.Sprintf("%s[%d]", path, i), "must be 1 to %d bytes and not repeated", MaxIDLength)
		}
		seen[id] = true
	}
}
