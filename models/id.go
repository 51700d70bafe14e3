package models

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"

	"github.com/oklog/ulid/v2"
)

// Prefixes of the ids that Tearoff makes. An id is prefix + "_" + 26 characters, in lower case.
const (
	PrefixUser       = "usr"
	PrefixRule       = "rul"
	PrefixBatch      = "bat"
	PrefixCoupon     = "cpn"
	PrefixRedemption = "rdm"
	PrefixOrder      = "ord"
	PrefixPayment    = "pay"
	PrefixRefund     = "rfd"
	PrefixKey        = "key"
	PrefixAudit      = "aud"
	PrefixCodeJob    = "cjb"
	PrefixBulk       = "blk"

	PrefixDistribution = "dst"
	PrefixAudience     = "adc"
	PrefixImport       = "imp"
	PrefixMessage      = "msg"
	PrefixTemplate     = "tpl"
	PrefixEndpoint     = "whk"
	PrefixEvent        = "evt"
)

// NewID makes an id that sorts by the time it was made and can't be guessed.
func NewID(prefix string) string { return prefix + "_" + strings.ToLower(ulid.Make().String()) }

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// DerivedID makes the id that belongs to the given words: always the same one, so that a caller knows it before it asks.
// It does not sort by time; use it only where the id must exist before the first answer.
func DerivedID(prefix string, words ...string) string { return prefix + "_" + Hash(words...)[:26] }

// Hash gives 51 characters that stand for the words; the words' borders count, so ("ab","c") differs from ("a","bc").
func Hash(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(w))))
		h.Write([]byte(w))
	}
	return idEncoding.EncodeToString(h.Sum(nil))[:51]
}

// HasPrefix reports whether id is one that Tearoff made with the prefix.
func HasPrefix(id, prefix string) bool {
	return len(id) == len(prefix)+27 && strings.HasPrefix(id, prefix+"_")
}

// IsID reports whether id is one that Tearoff could have made with the prefix. What isn't need not be looked for, and may
// hold characters that the store's columns for ids can't.
func IsID(id, prefix string) bool {
	notInID := func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') }
	return HasPrefix(id, prefix) && !strings.ContainsFunc(id[len(prefix)+1:], notInID)
}
