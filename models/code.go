package models

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// CodeKind says how a batch's coupons are asked for by typing something.
type CodeKind string

// The kinds of code. A batch has codes of one kind or none; with codes its coupons are got by a code only.
const (
	CodesNone   CodeKind = ""
	CodesShared CodeKind = "shared" // many users, each code with bounds of its own
	CodesSingle CodeKind = "single" // each code gets one coupon
)

// CouponCode is what a person types to get a coupon of a batch. Uses counts coupons that were issued for it and not
// un-issued; it changes only under the lock on the batch's counter.
type CouponCode struct {
	CodeKey    string `gorm:"primaryKey"` // from CodeKey; of one batch in the whole installation
	BatchID    string
	Kind       CodeKind
	Display    string // as the merchant writes it
	Label      string // for the merchant: the channel or partner
	MaxUses    *int64 // nil: only the batch bounds it
	Uses       int64
	Active     bool
	Generated  bool // Tearoff made it: its key is a CodeFold, and look-alikes that are typed find it
	ValidFrom  Time // zero: as long as the batch
	ValidUntil Time // zero: as long as the batch
	Seq        int64
	CreatedAt  Time
	UpdatedAt  Time
}

// TableName implements gorm's naming.
func (CouponCode) TableName() string { return "codes" }

// MaxCodeLength is the most characters of a code, before and after normalisation.
const MaxCodeLength = 64

// CodeKey normalises what a person typed: NFKC, without spaces around it, in upper case. It returns "" for what can't be
// a code: nothing, too much, or characters that can't be seen.
func CodeKey(text string) string {
	if len(text) > 16*MaxCodeLength {
		return ""
	}
	key := norm.NFKC.String(cases.Upper(language.Und).String(strings.TrimSpace(norm.NFKC.String(text))))
	unseen := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
	if utf8.RuneCountInString(key) > MaxCodeLength || strings.ContainsFunc(key, unseen) {
		return ""
	}
	return key
}

// CodeName is the key of a code that was typed. What can't be a code gets a name that no key is equal to, so that it is
// looked for in vain and the answer can name it.
func CodeName(text string) string {
	if key := CodeKey(text); key != "" {
		return key
	}
	return notACode + strings.ToValidUTF8(text[:min(len(text), MaxCodeLength)], "")
}

// notACode begins no key: CodeKey turns the replacement character away.
const notACode = string(utf8.RuneError)

// KeepsStock reports whether a coupon of the batch's stock is kept for the code: whoever was sent a single code must not
// find the batch sold out. nil keeps none.
func (c *CouponCode) KeepsStock() bool {
	return c != nil && c.Kind == CodesSingle && c.Active && c.Uses == 0
}

// Check says why the code gets no coupon now, or nil. It does not look at its batch.
func (c CouponCode) Check(now Time) *Error {
	switch {
	case !c.Active:
		return NewError(CodeInactive, "the code is switched off")
	case !c.ValidFrom.IsZero() && now.Before(c.ValidFrom):
		return NewError(CodeNotStarted, "the code is not valid yet").With("from", c.ValidFrom)
	case !c.ValidUntil.IsZero() && !now.Before(c.ValidUntil):
		return NewError(CodeOver, "the code's validity is over").With("until", c.ValidUntil)
	case c.MaxUses != nil && c.Uses >= *c.MaxUses:
		return NewError(CodeUsedUp, "the code has been used as often as it may be").With("max_uses", *c.MaxUses)
	}
	return nil
}
