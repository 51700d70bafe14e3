package models

// ProductTags say how a shop marks the products that a batch's coupons are for. Which products those are is in rows of
// their own: there may be very many.
type ProductTags struct {
	Text     string `json:"text"`                // what the shop shows, such as "5 € off"
	FromRule bool   `json:"from_rule,omitempty"` // the products are those of the rule's scope
	From     Time   `json:"from,omitzero"`       // zero: when claiming begins
	Until    Time   `json:"until,omitzero"`      // zero: when claiming, or the coupons' validity, ends
}

// TagKind says by what a product is tagged.
type TagKind string

// The kinds of tag: by the product's own id, or by what it belongs to.
const (
	TagProduct  TagKind = "product"
	TagCategory TagKind = "category"
	TagMerchant TagKind = "merchant"
)

// TagKinds lists them all.
func TagKinds() []TagKind { return []TagKind{TagProduct, TagCategory, TagMerchant} }

// ProductTag ties a product, a category or a merchant to a batch.
type ProductTag struct {
	BatchID string  `gorm:"primaryKey"`
	Kind    TagKind `gorm:"primaryKey"`
	Value   string  `gorm:"primaryKey"` // the caller's own id
	Live    bool    // whether shops are shown it, as far as the batch's workflow has come
}

// TagSubject names a product, or what it belongs to, in the caller's own terms.
type TagSubject struct {
	Kind  TagKind `json:"kind"`
	Value string  `json:"value"`
}

// TagWindow is when the batch's products are tagged; a zero end has no bound.
func (b Batch) TagWindow() (from, until Time) {
	from, until = b.ClaimFrom, earlier(b.ClaimUntil, b.ValidUntil)
	if b.Products == nil {
		return from, until
	}
	if !b.Products.From.IsZero() {
		from = b.Products.From
	}
	if !b.Products.Until.IsZero() {
		until = b.Products.Until
	}
	return from, until
}

// ShowsTags reports whether the batch's products are tagged at the instant: while it is published, there is something to
// get and nothing of that is paused.
func (b Batch) ShowsTags(c BatchCounter, now Time) bool {
	from, until := b.TagWindow()
	paused := c.Paused.Has(PauseClaims) || b.ClaimMode != ClaimModeClaim && c.Paused.Has(PauseUse)
	soldOut := c.Quantity != nil && c.Left() < 1
	return b.Products != nil && c.State == BatchActive && !paused && !soldOut && !now.Before(from) && (until.IsZero() || now.Before(until))
}

// earlier is the first of two instants of which a zero one is never.
func earlier(a, b Time) Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
