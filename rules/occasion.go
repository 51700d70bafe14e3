package rules

import (
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/tearoff/tearoff/models"
)

// cartFacts, lineFacts and userFacts are what expressions see, by the names in the tags.
type cartFacts struct {
	Currency      string            `cel:"currency"`
	Goods         int64             `cel:"goods"` // before coupons
	Shipping      int64             `cel:"shipping"`
	Quantity      int64             `cel:"quantity"`
	Platform      string            `cel:"platform"`
	PaymentMethod string            `cel:"payment_method"`
	Attributes    map[string]string `cel:"attributes"`
}

type lineFacts struct {
	LineID       string   `cel:"line_id"`
	ProductID    string   `cel:"product_id"`
	SKU          string   `cel:"sku"`
	CategoryIDs  []string `cel:"category_ids"`
	MerchantID   string   `cel:"merchant_id"`
	Tags         []string `cel:"tags"`
	Quantity     int64    `cel:"quantity"`
	UnitPrice    int64    `cel:"unit_price"`
	Amount       int64    `cel:"amount"`
	Discountable bool     `cel:"discountable"`
}

type userFacts struct {
	FirstOrder bool     `cel:"first_order"`
	Tags       []string `cel:"tags"`
}

// occasion is what the expressions of one quote judge. It is safe for concurrent use.
type occasion struct {
	given struct {
		cart models.Cart
		user models.UserFacts
		at   time.Time
	}
	once                   sync.Once
	cart, lines, user, now ref.Val
	err                    error

	mu     sync.Mutex
	judged map[*expression]judgement // many coupons of a wallet ask the same
	spent  uint64                    // of maxOccasionCost
}

type judgement struct {
	met bool
	err error
}

// judge answers an expression, each once.
func (o *occasion) judge(e *expression) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if known, ok := o.judged[e]; ok {
		return known.met, known.err
	}
	if err := o.build(); err != nil {
		return false, err
	}
	if o.spent > maxOccasionCost {
		return false, errors.New("rules: the expressions of this quote take too long")
	}
	var j judgement
	var cost uint64
	j.met, cost, j.err = e.eval(o)
	o.spent += cost
	if o.judged == nil {
		o.judged = map[*expression]judgement{}
	}
	o.judged[e] = j
	return j.met, j.err
}

// newOccasion keeps what is given; nothing is made of it before the first expression asks.
func newOccasion(cart models.Cart, user models.UserFacts, at time.Time) *occasion {
	o := &occasion{}
	o.given.cart, o.given.user, o.given.at = cart, user, at
	return o
}

// ResolveName implements cel.Activation.
func (o *occasion) ResolveName(name string) (any, bool) {
	switch name {
	case "cart":
		return o.cart, true
	case "lines":
		return o.lines, true
	case "user":
		return o.user, true
	case "now":
		return o.now, true
	}
	return nil, false
}

// Parent implements cel.Activation.
func (*occasion) Parent() cel.Activation { return nil }

func (o *occasion) build() error {
	o.once.Do(func() { o.err = o.fill() })
	return o.err
}

func (o *occasion) fill() error {
	env, err := expressionEnv()
	if err != nil {
		return err
	}
	c, u, adapter := o.given.cart, o.given.user, env.CELTypeAdapter()
	if !fits(c, u) {
		return errors.New("rules: the cart is larger than expressions can judge")
	}
	facts := cartFacts{
		Currency: string(c.Currency), Platform: c.Platform, PaymentMethod: c.PaymentMethod, Attributes: c.Attributes,
	}
	lines, kept := make([]ref.Val, len(c.Lines)), make([]lineFacts, len(c.Lines))
	for i, l := range c.Lines {
		amount, err := models.MulAmount(l.UnitPrice, l.Quantity)
		if err != nil {
			return err
		}
		facts.Goods, facts.Quantity = facts.Goods+amount, facts.Quantity+l.Quantity
		kept[i] = lineFacts{
			l.LineID, l.ProductID, l.SKU, l.CategoryIDs, l.MerchantID, l.Tags, l.Quantity, l.UnitPrice, amount, l.IsDiscountable(),
		}
		lines[i] = adapter.NativeToValue(&kept[i])
	}
	for _, s := range c.Shipping {
		facts.Shipping += s.Amount
	}
	o.cart, o.lines = adapter.NativeToValue(&facts), types.NewRefValList(adapter, lines)
	o.user = adapter.NativeToValue(&userFacts{u.FirstOrder, u.Tags})
	o.now = types.Timestamp{Time: o.given.at.UTC()}
	return nil
}

// fits reports whether the cart is one that the estimate counted on and whose sums can't overflow. The API allows no
// other, except that it doesn't bound the length of tags and attributes.
func fits(c models.Cart, u models.UserFacts) bool {
	ok := len(c.Lines) <= models.MaxCartLines && len(c.Shipping) <= models.MaxDeliveries &&
		len(c.Attributes) <= maxAttributes && len(u.Tags) <= maxUserTags && short(maxText, u.Tags...) &&
		short(maxText, string(c.Currency), c.Platform, c.PaymentMethod)
	for k, v := range c.Attributes {
		ok = ok && short(maxAttribute, k, v)
	}
	for _, s := range c.Shipping {
		ok = ok && s.Amount >= 0 && s.Amount <= models.MaxAmount
	}
	for i := range c.Lines {
		l := &c.Lines[i]
		ok = ok && len(l.Tags) <= maxListed && len(l.CategoryIDs) <= maxListed && short(maxText, l.Tags...) &&
			short(maxText, l.CategoryIDs...) && short(maxText, l.LineID, l.ProductID, l.SKU, l.MerchantID) &&
			l.Quantity >= 0 && l.Quantity <= models.MaxLineQuantity && l.UnitPrice >= 0 && l.UnitPrice <= models.MaxAmount
	}
	return ok
}

func short(most int, texts ...string) bool {
	for _, t := range texts {
		if len(t) > most && utf8.RuneCountInString(t) > most {
			return false
		}
	}
	return true
}
