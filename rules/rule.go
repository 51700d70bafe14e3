package rules

// Kind says how a rule gives value. It names the one part of the rule that must be set.
type Kind string

// The kinds. A rule of another kind can't be parsed.
const (
	KindAmountOff    Kind = "amount_off"
	KindPercentOff   Kind = "percent_off"
	KindTiered       Kind = "tiered"
	KindFixedPrice   Kind = "fixed_price"
	KindBuyXGetY     Kind = "buy_x_get_y"
	KindFreeGift     Kind = "free_gift"
	KindFreeShipping Kind = "free_shipping"
	KindRandomAmount Kind = "random_amount"
)

// Rule is what a coupon is worth and when it may be used: the JSON content of models.Rule. It comes from Parse, and is
// not changed afterwards, so one value may be used by many goroutines. The zero value has no kind and applies to nothing.
type Rule struct {
	Kind         Kind          `json:"kind" enum:"amount_off,percent_off,tiered,fixed_price,buy_x_get_y,free_gift,free_shipping,random_amount"`
	AmountOff    *AmountOff    `json:"amount_off,omitempty"`
	PercentOff   *PercentOff   `json:"percent_off,omitempty"`
	Tiered       *Tiered       `json:"tiered,omitempty"`
	FixedPrice   *FixedPrice   `json:"fixed_price,omitempty"`
	BuyXGetY     *BuyXGetY     `json:"buy_x_get_y,omitempty"`
	FreeGift     *FreeGift     `json:"free_gift,omitempty"`
	FreeShipping *FreeShipping `json:"free_shipping,omitempty"`
	RandomAmount *RandomAmount `json:"random_amount,omitempty"`
	Scope        Scope         `json:"scope,omitzero" doc:"Which lines it discounts. Default: all that are discountable."`
	Conditions   Conditions    `json:"conditions,omitzero" doc:"When it may be used. Default: always."`
	Stacking     Stacking      `json:"stacking,omitzero" doc:"What it may be combined with. Default: nothing."`
	FundedBy     FundedBy      `json:"funded_by,omitzero" doc:"Who bears the discount. Default: the platform."`
}

// NeedsCurrency reports whether the rule names an amount of money, so that its batch must have a currency.
func (r Rule) NeedsCurrency() bool {
	b := r.benefit()
	return r.Conditions.MinimumSpend > 0 || b != nil && b.needsCurrency()
}

// Face returns the bounds of the face value that is drawn when a coupon of the rule is issued; 0, 0 when none is.
func (r Rule) Face() (least, most int64) {
	if r.Kind != KindRandomAmount || r.RandomAmount == nil {
		return 0, 0
	}
	return r.RandomAmount.Min, r.RandomAmount.Max
}

// benefit is what the part of one kind can do.
type benefit interface {
	check(f *faults)
	needsCurrency() bool
	// refuse says why the kind itself, its coupon used alone, gives nothing on this basket, nil when it may give something.
	refuse(v *view) *refusal
	// off returns what is taken off when it is the coupon's turn: of each line never below zero and never more than is
	// left of it, and never less in sum when more is left of any line. The search for the best combination relies on the
	// last.
	off(v *view) discount
}

// discount is an amount and the weights over which it is divided: those of the view's lines, in their order. Without
// weights it goes over what is left of them, and a gift goes over no line at all.
type discount struct {
	total int64
	over  []int64 // sums to total or more; nil: what is left of each line
}

// part is the part of a rule that belongs to one kind.
type part struct {
	kind    Kind
	set     bool
	benefit benefit
}

// parts is the list to add a kind to.
func (r *Rule) parts() [8]part {
	return [...]part{
		{KindAmountOff, r.AmountOff != nil, r.AmountOff},
		{KindPercentOff, r.PercentOff != nil, r.PercentOff},
		{KindTiered, r.Tiered != nil, r.Tiered},
		{KindFixedPrice, r.FixedPrice != nil, r.FixedPrice},
		{KindBuyXGetY, r.BuyXGetY != nil, r.BuyXGetY},
		{KindFreeGift, r.FreeGift != nil, r.FreeGift},
		{KindFreeShipping, r.FreeShipping != nil, r.FreeShipping},
		{KindRandomAmount, r.RandomAmount != nil, r.RandomAmount},
	}
}

// benefit returns the part of the rule's kind, nil when it has none.
func (r *Rule) benefit() benefit {
	for _, p := range r.parts() {
		if p.kind == r.Kind && p.set {
			return p.benefit
		}
	}
	return nil
}
