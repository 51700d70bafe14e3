package models

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// User is a person or guest that can own coupons. It holds no personal data: identities do.
type User struct {
	ID           string `gorm:"primaryKey"`
	Blocked      bool   // gets no further coupons
	Locale       string // BCP 47, canonical; "": not known
	TimeZone     string // IANA name; "": not known
	LastActiveAt Time   // of the last claim, quote or hold, to the hour; zero: never
	OptOut       ChannelSet
	MergedInto   *string // who has taken over all that was this one's. nil: nobody
	Absorbed     int     // how many were merged into this one
	ErasedAt     Time    // zero: not erased
	Seq          int64   // moves with every change of the profile, its tags included
	CreatedAt    Time
}

// Gone reports whether the id stands for nobody any more: merged into another, or erased.
func (u User) Gone() bool { return u.MergedInto != nil || !u.ErasedAt.IsZero() }

// UserTag is a word that the merchant's own systems know a user by. Words are normalised before they get here.
type UserTag struct {
	UserID string `gorm:"primaryKey"`
	Tag    string `gorm:"primaryKey"`
}

// Bounds of a user's tags.
const (
	MaxTags      = 100 // of one user
	MaxTagLength = 64  // characters
)

// Tag normalises a word: NFKC, trimmed, lower case. "" is a word that can't be a tag: it is empty, too long, or has blanks,
// quotes, brackets, commas, bars, semicolons or control characters in it.
func Tag(word string) string {
	tag := strings.ToLower(normalise(word))
	if utf8.RuneCountInString(tag) > MaxTagLength || strings.ContainsFunc(tag, notInTag) {
		return ""
	}
	return tag
}

func notInTag(r rune) bool {
	return strings.ContainsRune("\"'()[],;|\ufffd", r) || !unicode.IsGraphic(r) || unicode.IsSpace(r)
}

// IdentityKind says in whose terms a user is named.
type IdentityKind string

// The kinds of identity. A value is unique within its kind.
const (
	IdentityID     IdentityKind = "id" // the caller's own user id
	IdentityEmail  IdentityKind = "email"
	IdentityPhone  IdentityKind = "phone"
	IdentityOpenID IdentityKind = "openid"
	IdentityDevice IdentityKind = "device"
	IdentityCard   IdentityKind = "card" // a card's fingerprint, never its number
)

// Identity ties a value that a caller knows to a user. All personal data of Tearoff is in these rows, so that erasing a
// user is one delete. Values are normalised before they get here.
type Identity struct {
	Kind      IdentityKind `gorm:"primaryKey"`
	Value     string       `gorm:"primaryKey"`
	UserID    string
	CreatedAt Time
}

// TableName implements gorm's naming.
func (Identity) TableName() string { return "user_identities" }

// UserRef names a user in the caller's own terms. At least one field is set; all that are set come to mean one user.
type UserRef struct {
	ID     string `json:"id,omitempty" maxLength:"200" doc:"Your own id of the user, or Tearoff's (usr_…)."`
	Email  string `json:"email,omitempty" maxLength:"254"`
	Phone  string `json:"phone,omitempty" maxLength:"32" doc:"E.164, such as +4915112345678."`
	OpenID string `json:"openid,omitempty" maxLength:"200"`
	Device string `json:"device,omitempty" maxLength:"200"`
	Card   string `json:"card,omitempty" maxLength:"200" doc:"A fingerprint of the card, never its number."`
}

// Identities normalises the reference, strongest first, so that every spelling of one address names one user. An empty
// reference is CodeInvalidRequest.
func (r UserRef) Identities() ([]Identity, error) {
	all := []Identity{
		{Kind: IdentityID, Value: normalise(r.ID)},
		{Kind: IdentityEmail, Value: strings.ToLower(normalise(r.Email))},
		{Kind: IdentityPhone, Value: phoneNoise.Replace(normalise(r.Phone))},
		{Kind: IdentityOpenID, Value: normalise(r.OpenID)},
		{Kind: IdentityDevice, Value: normalise(r.Device)},
		{Kind: IdentityCard, Value: normalise(r.Card)},
	}
	set := slices.DeleteFunc(all, func(i Identity) bool { return i.Value == "" })
	for _, i := range set {
		if utf8.RuneCountInString(i.Value) > maxIdentity {
			return nil, NewError(CodeInvalidRequest, fmt.Sprintf("user: %s must be at most %d characters", i.Kind, maxIdentity))
		}
		if i.Kind == IdentityEmail && !emailShape.MatchString(i.Value) {
			return nil, NewError(CodeInvalidRequest, "user: email must be an address, such as ann@example.com")
		}
	}
	if len(set) == 0 {
		return nil, NewError(CodeInvalidRequest, "user: at least one of id, email, phone, openid, device, card is needed")
	}
	return set, nil
}

// LimitKeys are what the reference counts by, whomever its identities belong to. A faulty reference has none.
func (r UserRef) LimitKeys() []LimitKey {
	identities, _ := r.Identities()
	return LimitKeys(identities)
}

const maxIdentity = 254

// emailShape is all that can be said of an address without asking its server.
var emailShape = regexp.MustCompile(`^[^\s@<>,;]+@[^\s@<>,;]+$`)

var phoneNoise = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "")

func normalise(s string) string { return norm.NFKC.String(strings.TrimSpace(s)) }
