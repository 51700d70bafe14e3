package models_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// TestTenMillionCodes are all different. Twelve characters of 5 bits fill 60, so each code is one number, exactly.
func TestTenMillionCodes(t *testing.T) {
	t.Parallel()
	const codes = 10_000_000
	g, seen := models.NewCodeGenerator(models.CodeTerms{}), make([]uint64, codes)
	for i := range seen {
		key := g.Next().Key
		for _, r := range []byte(key[:models.DefaultCodeLength-1]) {
			seen[i] = seen[i]<<5 | uint64(strings.IndexByte(models.DefaultAlphabet, r))
		}
	}
	slices.Sort(seen)
	assert.Len(t, slices.Compact(seen), codes)
}

// TestGeneratedCodes have the terms' form, are their own keys, and are found however they are typed.
func TestGeneratedCodes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terms models.CodeTerms
		form  string
	}{
		"default":     {models.CodeTerms{}, "^[0-9A-HJKMNP-TV-Z]{13}$"},
		"prefix":      {models.CodeTerms{Prefix: "SUMMER-", Length: 9}, "^SUMMER-[0-9A-HJKMNP-TV-Z]{9}$"},
		"digits":      {models.CodeTerms{Alphabet: "0123456789", Length: 16}, "^[0-9]{16}$"},
		"odd":         {models.CodeTerms{Alphabet: "ABC", Length: 30}, "^[A-C]{30}$"},
		"look-alikes": {models.CodeTerms{Alphabet: "OIU23", Length: 20}, "^[OIU23]{20}$"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, tt.terms.Faults())
			g := models.NewCodeGenerator(tt.terms)
			for range 1_000 {
				c := g.Next()
				require.Regexp(t, tt.form, c.Display)
				require.Equal(t, models.CodeFold(c.Display), c.Key)
				require.True(t, g.Checks(c.Display))
				require.Equal(t, c.Key, models.CodeFold(c.Key), "a key is its own")
				typed := strings.ToLower(strings.NewReplacer("0", "o", "1", "l", "V", "u").Replace(c.Display))
				require.Equal(t, c.Key, models.CodeFold(" "+typed[:4]+"-"+typed[4:6]+" "+typed[6:]), typed)
			}
		})
	}
}

// TestCheckCharacter finds every character that was mistyped, and nearly every two that changed places.
func TestCheckCharacter(t *testing.T) {
	t.Parallel()
	for name, alphabet := range map[string]string{"default": models.DefaultAlphabet, "digits": "0123456789", "odd": "ABCDEFG23", "two": "01"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := models.NewCodeGenerator(models.CodeTerms{Alphabet: alphabet})
			swaps, missed := 0, 0
			for range 200 {
				code := []byte(g.Next().Key)
				for i, right := range code {
					for _, wrong := range []byte(alphabet) {
						if code[i] = wrong; wrong != right {
							require.False(t, g.Checks(string(code)), "%s at %d", code, i)
						}
					}
					code[i] = right
					if i == 0 || code[i-1] == right {
						continue
					}
					code[i-1], code[i] = right, code[i-1]
					swaps++
					if g.Checks(string(code)) {
						missed++
					}
					code[i-1], code[i] = code[i], right
				}
			}
			if len(alphabet) > 2 {
				assert.Less(t, missed*10, swaps, "%d of %d", missed, swaps)
			}
			for _, typed := range []string{"", "A", string(alphabet[0]), strings.Repeat("!", models.DefaultCodeLength)} {
				assert.False(t, g.Checks(typed), typed)
			}
		})
	}
}

// TestCodesAreEven: no character comes more often than another, wherever it stands.
func TestCodesAreEven(t *testing.T) {
	t.Parallel()
	const codes = 60_000
	alphabet := "ABCDEF" // 256 is no multiple of 6
	g := models.NewCodeGenerator(models.CodeTerms{Alphabet: alphabet, Length: 6})
	counts := make([][256]int, 6)
	for range codes {
		for i, r := range []byte(g.Next().Key) {
			counts[i][r]++
		}
	}
	for i := range counts {
		for _, r := range []byte(alphabet) {
			assert.InDelta(t, codes/6, counts[i][r], 600, "%c at %d: beyond six standard deviations", r, i)
		}
	}
}

// TestShortCodesRepeat: so a store that does not look would lose codes.
func TestShortCodesRepeat(t *testing.T) {
	t.Parallel()
	g, seen := models.NewCodeGenerator(models.CodeTerms{Length: 4}), map[string]bool{}
	for range 10_000 {
		seen[g.Next().Key] = true
	}
	assert.Less(t, len(seen), 10_000)
}

func TestCodeTermsFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		terms models.CodeTerms
		field string
	}{
		"short":             {models.CodeTerms{Length: 3}, "length"},
		"long":              {models.CodeTerms{Length: 65}, "length"},
		"long together":     {models.CodeTerms{Length: 60, Prefix: "ABCDE"}, "prefix"},
		"small prefix":      {models.CodeTerms{Prefix: "abc"}, "prefix"},
		"prefix of hyphens": {models.CodeTerms{Prefix: "--"}, "prefix"},
		"one character":     {models.CodeTerms{Alphabet: "A"}, "alphabet"},
		"look-alikes":       {models.CodeTerms{Alphabet: "ABCO0"}, "alphabet"},
		"twice":             {models.CodeTerms{Alphabet: "ABCA"}, "alphabet"},
		"all letters":       {models.CodeTerms{Alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, "alphabet"},
		"signs":             {models.CodeTerms{Alphabet: "AB-"}, "alphabet"},
		"no level":          {models.CodeTerms{LowWater: 10}, "refill"},
		"no low water":      {models.CodeTerms{Refill: 10}, "refill"},
		"upside down":       {models.CodeTerms{LowWater: 11, Refill: 10}, "refill"},
		"too many":          {models.CodeTerms{LowWater: 11, Refill: models.MaxCodesAtOnce + 1}, "refill"},
	} {
		faults := tt.terms.Faults()
		assert.Len(t, faults, 1, name)
		assert.Contains(t, faults, tt.field, name)
	}
	assert.Empty(t, models.CodeTerms{Prefix: "A-", Length: 8, Alphabet: "0123456789", LowWater: 10, Refill: 10}.Faults())
}

func TestGuessable(t *testing.T) {
	t.Parallel()
	assert.InDelta(t, 60, models.CodeTerms{}.Bits(), 0)
	assert.False(t, models.CodeTerms{}.Guessable(10_000_000))
	eight := models.CodeTerms{Length: 8}
	assert.InDelta(t, 1<<35, eight.Guesses(0), 0)
	assert.False(t, eight.Guessable(1))
	assert.True(t, eight.Guessable(4))
}

func BenchmarkGenerateCodes(b *testing.B) {
	g := models.NewCodeGenerator(models.CodeTerms{})
	for b.Loop() {
		g.Next()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "codes/s")
}
