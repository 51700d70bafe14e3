package models

import (
	"encoding/json"
	"slices"
)

// ChannelSet says by which ways messages reach a user, or don't. It is a set of bits in the store and a list of words in
// JSON.
type ChannelSet int

// The channels.
const (
	ChannelInbox ChannelSet = 1 << iota
	ChannelEmail
	ChannelSMS
	ChannelPush
)

var channelWords = []string{"inbox", "email", "sms", "push"}

// Has reports whether all of what are in the set.
func (c ChannelSet) Has(what ChannelSet) bool { return c&what == what }

// Words returns the channels in a fixed order, never nil.
func (c ChannelSet) Words() []string { return wordsOf(int(c), channelWords) }

// MarshalJSON writes the words in a fixed order.
func (c ChannelSet) MarshalJSON() ([]byte, error) { return json.Marshal(c.Words()) }

// UnmarshalJSON reads the words.
func (c *ChannelSet) UnmarshalJSON(raw []byte) error {
	var words []string
	if err := json.Unmarshal(raw, &words); err != nil {
		return err
	}
	set, err := ParseChannelSet(words)
	*c = set
	return err
}

// ParseChannelSet reads the words; an unknown one is CodeInvalidRequest.
func ParseChannelSet(words []string) (ChannelSet, error) {
	c, err := bitsOf(words, channelWords)
	return ChannelSet(c), err
}

// wordsOf are the words whose bits are set, never nil.
func wordsOf(bits int, all []string) []string {
	words := []string{}
	for i, w := range all {
		if bits&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return words
}

func bitsOf(words, all []string) (bits int, err error) {
	for _, w := range words {
		i := slices.Index(all, w)
		if i < 0 {
			return 0, NewError(CodeInvalidRequest, "there is no "+w+" here").With("allowed", all)
		}
		bits |= 1 << i
	}
	return bits, nil
}
