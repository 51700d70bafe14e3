package api

import (
	"github.com/tearoff/tearoff/models"
)

// codeTerms say what the codes that Tearoff makes look like.
type codeTerms struct {
	Prefix   string `json:"prefix,omitempty" maxLength:"60" doc:"Before the random part, in capitals." example:"SUMMER-"`
	Length   int    `json:"length,omitempty" doc:"Characters behind the prefix, 4 to 64; the last one checks the others. Default 13: 60 random bits with the default alphabet." example:"13"`
	Alphabet string `json:"alphabet,omitempty" maxLength:"64" doc:"Digits and capitals that people can tell apart. Default: Crockford's base32, without I, L, O and U." example:"0123456789ABCDEFGHJKMNPQRSTVWXYZ"`
	LowWater int64  `json:"low_water,omitempty" doc:"With single codes: when fewer are left, more are made. Default: never."`
	Refill   int64  `json:"refill,omitempty" doc:"Up to so many, as far as the batch's quantity goes. With low_water."`
}

func viewCodeTerms(b models.Batch) *codeTerms {
	if b.Codes == models.CodesNone {
		return nil
	}
	t := codeTerms(b.CodeTerms.WithDefaults())
	return &t
}

// codes takes over how codes are made, and finds fault with it.
func (c *batchCheck) codeTerms() {
	if c.in.CodeTerms == nil {
		return
	}
	c.out.CodeTerms = models.CodeTerms(*c.in.CodeTerms)
	for field, fault := range c.out.CodeTerms.Faults() {
		c.fault("code_terms."+field, "%s", fault)
	}
	switch {
	case c.in.Codes == models.CodesNone:
		c.fault("code_terms", "must not be set: the batch has no codes")
	case c.in.Codes != models.CodesSingle && c.in.CodeTerms.LowWater > 0:
		c.fault("code_terms.low_water", "must not be set: shared codes don't run low")
	}
}

// codeStrength says how hard codes are to guess.
type codeStrength struct {
	Bits      int64  `json:"bits" doc:"Random bits of one code, rounded down." example:"60"`
	Guesses   int64  `json:"guesses" doc:"How many codes one must try, on average, to find one of those that are out; 9007199254740992 stands for that many and more."`
	Guessable bool   `json:"guessable" doc:"true: fewer than 10,000,000,000, so that somebody with a thousand addresses finds one within two years in spite of the limits on wrong codes."`
	Warning   string `json:"warning,omitempty"`
}

func strengthOf(t models.CodeTerms, out int64) codeStrength {
	s := codeStrength{Bits: int64(t.Bits() + 1e-9), Guesses: int64(min(t.Guesses(out), 1<<53)), Guessable: t.Guessable(out)}
	if s.Guessable {
		s.Warning = "codes of this length and alphabet can be guessed when so many are out: make them longer, or make fewer"
	}
	return s
}
