package models

import (
	"slices"
	"strings"
)

// LimitKind is by what a batch tells one customer from another when it counts coupons.
type LimitKind string

// The kinds of limit. All but LimitUser count by an identity, so that a second account doesn't help.
const (
	LimitUser   LimitKind = "user"
	LimitEmail  LimitKind = LimitKind(IdentityEmail)
	LimitPhone  LimitKind = LimitKind(IdentityPhone)
	LimitDevice LimitKind = LimitKind(IdentityDevice)
	LimitCard   LimitKind = LimitKind(IdentityCard)
)

// LimitKinds lists them all.
func LimitKinds() []LimitKind {
	return []LimitKind{LimitUser, LimitEmail, LimitPhone, LimitDevice, LimitCard}
}

// CouponLimit is one coupon that counts against one identity. Its key makes passing the limit impossible.
type CouponLimit struct {
	BatchID  string    `gorm:"primaryKey"`
	KeyKind  LimitKind `gorm:"primaryKey"`
	KeyHash  string    `gorm:"primaryKey"` // from LimitHash
	Ordinal  int       `gorm:"primaryKey"` // from 1
	CouponID string
}

// LimitKey is an identity where it is counted, without the personal data in it.
type LimitKey struct {
	Kind LimitKind `json:"kind"`
	Hash string    `json:"hash"` // from LimitHash
}

// LimitKeys are those of the identities that can be counted by, each once: two addresses of one mailbox are one.
func LimitKeys(identities []Identity) []LimitKey {
	var keys []LimitKey
	for _, i := range identities {
		key := LimitKey{LimitKind(i.Kind), LimitHash(i)}
		if key.Kind != LimitUser && slices.Contains(LimitKinds(), key.Kind) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// LimitHash stands for an identity where it is counted. E-mail addresses that reach one mailbox count as one: what
// follows a plus is left out, and for Google's the dots too.
func LimitHash(i Identity) string {
	value := i.Value
	if i.Kind == IdentityEmail {
		value = mailbox(value)
	}
	return Hash("limit", string(i.Kind), value)
}

func mailbox(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	local, domain := address[:at], address[at+1:]
	if plus := strings.IndexByte(local, '+'); plus > 0 { // all that begin with one are not one mailbox
		local = local[:plus]
	}
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}

// LimitsUser reports whether the user's own coupons are counted. A batch that doesn't say by what it limits does so by
// user.
func (b Batch) LimitsUser() bool {
	return b.ClaimsPerUser > 0 && (len(b.LimitBy) == 0 || slices.Contains(b.LimitBy, LimitUser))
}

// LimitIdentities returns by which kinds of identity the batch's coupons are counted.
func (b Batch) LimitIdentities() []LimitKind {
	if b.ClaimsPerUser == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(b.LimitBy), func(k LimitKind) bool { return k == LimitUser })
}

// LimitUse is how much of a batch's limit per customer is taken.
type LimitUse struct {
	Coupons int       // the most that any of the customer's keys has
	Missing LimitKind // a kind that the batch counts by and the customer has no identity of; "": none
	Blocked bool      // the customer may not get coupons
}

// CheckLimit says why the customer may have no further coupon of the batch, or nil.
func (b Batch) CheckLimit(use LimitUse) *Error {
	switch {
	case use.Blocked:
		return NewError(CodeUserBlocked, "the user may not get coupons")
	case b.ClaimsPerUser == 0:
		return nil
	case use.Missing != "":
		return NewError(CodeIdentityRequired, "the batch counts coupons by an identity that the user doesn't have").With("identity", use.Missing)
	case use.Coupons >= b.ClaimsPerUser:
		return NewError(CodeUserLimit, "the user has as many coupons of this batch as allowed").With("limit", b.ClaimsPerUser)
	}
	return nil
}
