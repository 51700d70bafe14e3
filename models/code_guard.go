package models

import (
	"math"
	"net/netip"
	"slices"
	"time"
)

// The limits on wrong codes within GuardWindow. A wrong code is one whose answer is CodeNotValid; right ones don't count, and
// the same wrong one counts once, however often and by however many it is typed: it tells a guesser nothing new.
//
// What is told apart are users, addresses and keys, because each alone is too little: users are cheap to make up where a
// visitor's browser names them, addresses are shared by many, and so are keys. So a user's own wrong codes stop only that
// user, and only where they were typed: else anybody could lock out whom they can name. Many from one address stop there who
// has typed one too, whoever else is behind it; only when those who guess there change their names with every code does it
// stop users that Tearoff has not known before that day. Many with one key stop nobody by themselves, or a few guessers
// would end a campaign: they only make the limits of addresses tighter.
const (
	GuardWindow = 10 * time.Minute
	// UserGuesses is from how many wrong codes on a user gets no answer but CodeTooMany.
	UserGuesses = 10
	// AddressSuspect is from how many on a user at the address who has typed a wrong code gets none.
	AddressSuspect = 30
	// AddressGuesses is from how many on only known users at the address get one, and only as long as they type no wrong code.
	AddressGuesses = 100
	// KeyGuesses is from how many with a storefront's key on addresses are allowed a KeyTightens-th of that.
	KeyGuesses  = 5_000
	KeyTightens = 5
	// KnownFor is for how long a user has to be there to be known.
	KnownFor = 24 * time.Hour
)

// AddressLimits are AddressSuspect and AddressGuesses, where so many wrong codes count against the key.
func AddressLimits(key float64) (suspect, closed float64) {
	if key >= KeyGuesses {
		return AddressSuspect / KeyTightens, AddressGuesses / KeyTightens
	}
	return AddressSuspect, AddressGuesses
}

// GuessedBy names who types codes, each by a hash; "" or none where there is none. Rows with these names are gone after an
// hour.
type GuessedBy struct {
	User    []string // by all that the request names the user by: else a new name beside an old one would begin anew
	Address string
	Key     string
}

// Names are those that there are.
func (g GuessedBy) Names() []string {
	return slices.DeleteFunc(append(slices.Clone(g.User), g.Address, g.Key), func(name string) bool { return name == "" })
}

// GuessUser names the user that a request is about, in every way that it does and by Tearoff's own id, "" if there is none.
// Users are told apart by where their codes come from: an address, or a caller.
func GuessUser(where string, ref UserRef, id string) []string {
	var names []string
	if id != "" {
		names = append(names, "u:"+Hash("guess", where, id))
	}
	if HasPrefix(ref.ID, PrefixUser) {
		return names
	}
	identities, _ := ref.Identities() // a faulty reference was refused before
	for _, i := range identities {
		names = append(names, "u:"+Hash("guess", where, string(i.Kind), i.Value))
	}
	return names
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

// GuessMark names a wrong code that counts against a name already.
func GuessMark(name, code string) string { return "c:" + Hash("guess", name, code) }

// CodeFailure counts the wrong codes of one who types them, in a window that began at Since. One of a GuessMark counts none.
type CodeFailure struct {
	Since    Time   `gorm:"primaryKey"`
	Subject  string `gorm:"primaryKey"`
	Failures int64
}

// GuardSince is the begin of the window of an instant.
func GuardSince(at Time) Time { return NewTime(at.Truncate(GuardWindow)) }

// Weight is how much of the failures counts at the instant: those of its window all, those of the window before as far as it
// reaches into the last ten minutes, rounded up: who is cut off stays so for more than an instant.
func (f CodeFailure) Weight(at Time) float64 {
	switch age := at.Sub(f.Since.Time); {
	case age < GuardWindow:
		return float64(f.Failures)
	case age < 2*GuardWindow:
		return math.Ceil(float64(f.Failures) * float64(2*GuardWindow-age) / float64(GuardWindow))
	default:
		return 0
	}
}
