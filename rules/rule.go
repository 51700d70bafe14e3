package rules

// Kind says how a rule gives value. It names the one part of the rule that must be set.
type Kind string

// The kinds. A rule of another kind can't be parsed.
const (
	KindAmountOff  Kind = "amount_off"
	KindPercentOff Kind = "percent_off"
)

// Rule is what a coupon is worth and when it may be used: the JSON content of models.Rule. It comes from Parse, and is
// not changed afterwards, so one value may be used by many goroutines. The zero value has no kind and applies to nothing.
type Rule struct {
	Kind       Kind        `json:"kind" enum:"amount_off,percent_off"`
	AmountOff  *AmountOff  `json:"amount_off,omitempty"`
	PercentOff *PercentOff `json:"percent_off,omitempty"`
	Scope      Scope       `json:"scope,omitzero" doc:"Which lines it discounts. Default: all that are discountable."`
	Conditions Conditions  `json:"conditions,omitzero" doc:"When it may be used. Default: always."`
	Stacking   Stacking    `json:"stacking,omitzero" doc:"What it may be combined with. Default: nothing."`
	FundedBy   FundedBy    `json:"funded_by,omitzero" doc:"Who bears the discount. Default: the platform."`
}

// NeedsCurrency reports whether the rule names an amount of money, so that its batch must have a currency.
func (r Rule) NeedsCurrency() bool {
	b := r.benefit()
	return r.Conditions.MinimumSpend > 0 || b != nil && b.needsCurrency()
}

// benefit is what the part of one kind can do.
type benefit interface {
	check(f *faults)
	needsCurrency() bool
	// off returns what is taken off a scope of which left is still to pay: never below zero, never more than left, and
	// never less for a larger left. The search for the best combination relies on the last.
	off(left int64) int64
}

// part is the part of a rule that belongs to one kind.
type part struct {
	kind    Kind
	set     bool
	benefit benefit
}

// parts is the list to add a kind to.
func (r Rule) parts() [2]part {
	return [...]part{
		{KindAmountOff, r.AmountOff != nil, r.AmountOff},
		{KindPercentOff, r.PercentOff != nil, r.PercentOff},
	}
}

// benefit returns the part of the rule's kind, nil when it has none.
func (r Rule) benefit() benefit {
	for _, p := range r.parts() {
		if p.kind == r.Kind && p.set {
			return p.benefit
		}
	}
	return nil
}
