package models

import (
	"net/netip"
	"time"
)

// The limits on wrong codes within GuardWindow. A wrong code is one whose answer is CodeNotValid; right ones don't count.
//
// What is told apart are users, addresses and keys, because each alone is too little: users are cheap to make up where a
// visitor's browser names them, addresses are shared by many, and so are keys. So a user's own wrong codes stop only that
// user. Many from one address stop there who has typed one too, whoever else is behind it; only when those who guess there
// change their names with every code does it stop users that Tearoff has not known before that day.
const (
	GuardWindow = 10 * time.Minute
	// UserGuesses is from how many wrong codes on a user gets no answer but CodeTooMany.
	UserGuesses = 10
	// AddressSuspect is from how many on a user at the address who has typed a wrong code gets none.
	AddressSuspect = 30
	// AddressGuesses is from how many on only known users at the address get one, and only as long as they type no wrong code.
	AddressGuesses = 100
	// KeyGuesses is the same for a storefront's key.
	KeyGuesses = 5_000
	// KnownFor is for how long a user has to be there to be known.
	KnownFor = 24 * time.Hour
	// SuspectsAtOnce is how many codes of a suspect address are looked at at once.
	SuspectsAtOnce = 10
)

// GuessedBy names who types codes, each by a hash; "" where there is none. Rows with these names are gone after an hour.
type GuessedBy struct {
	User    string
	Address string
	Key     string
}

// Names are those that there are.
func (g GuessedBy) Names() []string {
	var names []string
	for _, name := range []string{g.User, g.Address, g.Key} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// GuessUser names the user that a request is about; "" when it names none.
func GuessUser(ref UserRef) string {
	if HasPrefix(ref.ID, PrefixUser) {
		return "u:" + Hash("guess", ref.ID)
	}
	identities, err := ref.Identities()
	if err != nil || len(identities) == 0 {
		return ""
	}
	return "u:" + Hash("guess", string(identities[0].Kind), identities[0].Value)
}

// GuessAddress names where a request comes from. An IPv6 address stands for its network: whoever has one has 2^64. "" for
// what is no address.
func GuessAddress(text string) string {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	addr = addr.Unmap()
	if addr.Is6() {
		network, err := addr.WithZone("").Prefix(64)
		if err != nil {
			return ""
		}
		addr = network.Addr()
	}
	return "a:" + Hash("guess", addr.String())
}

// GuessKey names an API key.
func GuessKey(id string) string { return "k:" + Hash("guess", id) }

// CodeFailure counts the wrong codes of one who types them, in a window that began at Since.
type CodeFailure struct {
	Since    Time   `gorm:"primaryKey"`
	Subject  string `gorm:"primaryKey"`
	Failures int64
}

// GuardSince is the begin of the window of an instant.
func GuardSince(at Time) Time { return NewTime(at.Truncate(GuardWindow)) }

// Weight is how much of the failures counts at the instant: those of its window all, those of the window before as far as it
// reaches into the last ten minutes.
func (f CodeFailure) Weight(at Time) float64 {
	switch age := at.Sub(f.Since.Time); {
	case age < GuardWindow:
		return float64(f.Failures)
	case age < 2*GuardWindow:
		return float64(f.Failures) * float64(2*GuardWindow-age) / float64(GuardWindow)
	default:
		return 0
	}
}
