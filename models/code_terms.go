package models

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// CodeTerms say what the codes that Tearoff makes for a batch look like, and when it makes more by itself. The zero value
// means DefaultAlphabet, DefaultCodeLength, no prefix and no refill.
type CodeTerms struct {
	Prefix   string // before the random part, as people see it
	Length   int    // characters behind the prefix, the last of which checks the others. 0: DefaultCodeLength
	Alphabet string // what they are made of. "": DefaultAlphabet
	LowWater int64  // fewer single codes than that left: more are made. 0: never
	Refill   int64  // up to so many
}

const (
	// DefaultAlphabet is Crockford's base32: digits and capitals without I, L, O and U.
	DefaultAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	// DefaultCodeLength is 12 random characters of 5 bits, and the one that checks them.
	DefaultCodeLength = 13
	// MinCodeLength leaves three random characters.
	MinCodeLength = 4
	// MaxCodesAtOnce is the most codes of one job, and the highest level of a refill.
	MaxCodesAtOnce = 10_000_000
	// SafeGuesses is how many guesses a code should cost at least. The guard lets through some 15,000 wrong codes a day from
	// one address, so a thousand addresses would try for two years.
	SafeGuesses = 1e10

	maxAlphabet = 64
)

// WithDefaults fills in what is not set.
func (t CodeTerms) WithDefaults() CodeTerms {
	if t.Length == 0 {
		t.Length = DefaultCodeLength
	}
	if t.Alphabet == "" {
		t.Alphabet = DefaultAlphabet
	}
	return t
}

// Faults says what is wrong with the terms, by the field's name in JSON.
func (t CodeTerms) Faults() map[string]string {
	faults := map[string]string{}
	set := t.WithDefaults()
	if set.Length < MinCodeLength || set.Length > MaxCodeLength {
		faults["length"] = "must be 4 to 64"
	} else if utf8.RuneCountInString(t.Prefix)+set.Length > MaxCodeLength {
		faults["prefix"] = "is too long: with the characters behind it a code has at most 64"
	}
	if t.Prefix != "" && (CodeKey(t.Prefix) != t.Prefix || CodeFold(t.Prefix) == "") {
		faults["prefix"] = "must be capitals and digits without spaces around them"
	}
	if fault := alphabetFault(set.Alphabet); fault != "" {
		faults["alphabet"] = fault
	}
	switch {
	case t.LowWater < 0 || t.Refill < 0 || t.Refill > MaxCodesAtOnce:
		faults["refill"] = "must be 0 to 10000000, as must low_water"
	case (t.LowWater == 0) != (t.Refill == 0):
		faults["refill"] = "comes with low_water: the one says when, the other up to how many"
	case t.LowWater > t.Refill:
		faults["refill"] = "must not be less than low_water"
	}
	return faults
}

// alphabetFault turns away what people could not tell apart, or could not type.
func alphabetFault(alphabet string) string {
	if len(alphabet) < 2 || len(alphabet) > maxAlphabet {
		return "must be 2 to 64 characters"
	}
	seen := map[string]rune{}
	for _, r := range alphabet {
		if (r < '0' || r > '9') && (r < 'A' || r > 'Z') {
			return "must be digits and the capitals A to Z"
		}
		folded := CodeFold(string(r))
		if twin, twice := seen[folded]; twice {
			return string(twin) + " and " + string(r) + " are the same to whoever types them"
		}
		seen[folded] = r
	}
	return ""
}

// Space is how many codes the terms allow.
func (t CodeTerms) Space() float64 {
	t = t.WithDefaults()
	return math.Pow(float64(len(t.Alphabet)), float64(t.Length-1))
}

// Bits is the entropy of one code.
func (t CodeTerms) Bits() float64 { return math.Log2(t.Space()) }

// Guesses is how many codes one must try, on average, to find one of so many that are out. None out: as if one was.
func (t CodeTerms) Guesses(out int64) float64 { return t.Space() / float64(max(1, out)) }

// Guessable reports whether a code costs fewer than SafeGuesses when so many are out.
func (t CodeTerms) Guessable(out int64) bool { return t.Guesses(out) < SafeGuesses }

// lookAlikes are what people read or type for another character, after Crockford.
var lookAlikes = strings.NewReplacer("O", "0", "I", "1", "L", "1", "U", "V")

// separators are left out of codes that were made here: people write them in groups.
func separator(r rune) bool {
	return slices.Contains([]rune{' ', '-', '‐', '‒', '–', '—', '_', '.'}, r)
}

// CodeFold is the key of a code that was typed, read as one that Tearoff made: without hyphens, spaces and dots, and with
// look-alikes as the character that codes have. "" for what can't be a code.
func CodeFold(text string) string {
	key := strings.Map(func(r rune) rune {
		if separator(r) {
			return -1
		}
		return r
	}, CodeKey(text))
	return lookAlikes.Replace(key)
}
