package models

import (
	"crypto/rand"
	"strings"
)

// CodeGenerator draws codes by a batch's terms. It is not safe for concurrent use.
type CodeGenerator struct {
	terms    CodeTerms
	prefix   string // as keys have it
	alphabet string // likewise
	even     byte   // random bytes from here on would favour the first characters; 0: all count
	factor   int    // of the check character
	bulk     []byte // random bytes
	pool     []byte // those that are left
	text     []byte
	key      []byte
}

// GeneratedCode is one code: as people see it, and the key that it is stored under.
type GeneratedCode struct {
	Display string
	Key     string
}

// randomBulk is how many random bytes are asked of the system at once.
const randomBulk = 64 << 10

// NewCodeGenerator makes a generator. The terms have no faults.
func NewCodeGenerator(t CodeTerms) *CodeGenerator {
	t = t.WithDefaults()
	n := len(t.Alphabet)
	return &CodeGenerator{
		terms: t, prefix: CodeFold(t.Prefix), alphabet: CodeFold(t.Alphabet), even: byte(256 - 256%n), factor: checkFactor(n),
		bulk: make([]byte, randomBulk),
	}
}

// Next draws a code. Codes may repeat, by chance: whoever stores them looks.
func (g *CodeGenerator) Next() GeneratedCode {
	g.text, g.key = append(g.text[:0], g.terms.Prefix...), append(g.key[:0], g.prefix...)
	check := g.check(nil)
	for range g.terms.Length - 1 {
		v := g.draw()
		check = g.fold(check, v)
		g.put(v)
	}
	g.put(g.closing(check))
	code := GeneratedCode{Key: string(g.key)}
	if code.Display = code.Key; string(g.text) != code.Key {
		code.Display = string(g.text)
	}
	return code
}

func (g *CodeGenerator) put(v int) {
	g.text, g.key = append(g.text, g.terms.Alphabet[v]), append(g.key, g.alphabet[v])
}

// Checks reports whether the last of the characters behind the prefix fits the others: it doesn't when one of them was
// mistyped, and hardly ever when two neighbours changed places. Look-alikes and separators are read as in CodeFold.
func (g *CodeGenerator) Checks(typed string) bool {
	body, ok := strings.CutPrefix(CodeFold(typed), g.prefix)
	if !ok || len(body) != g.terms.Length {
		return false
	}
	values := make([]int, len(body))
	for i := range len(body) {
		if values[i] = strings.IndexByte(g.alphabet, body[i]); values[i] < 0 {
			return false
		}
	}
	last := len(values) - 1
	return g.closing(g.check(values[:last])) == values[last]
}

// draw returns a number below the size of the alphabet, each as likely as any other.
func (g *CodeGenerator) draw() int {
	for {
		if len(g.pool) == 0 {
			_, _ = rand.Read(g.bulk) // never fails: the program ends when the system has no randomness
			g.pool = g.bulk
		}
		b := g.pool[0]
		g.pool = g.pool[1:]
		if g.even == 0 || b < g.even {
			return int(b) % len(g.terms.Alphabet)
		}
	}
}

// The check character is that of the hybrid systems of ISO/IEC 7064, for an alphabet of any size: the running value is
// multiplied by a unit of the numbers modulo size+1, so that two codes that differ in one character never end alike.

// check is the running value after the characters; nil begins.
func (g *CodeGenerator) check(values []int) int {
	p := len(g.terms.Alphabet)
	for _, v := range values {
		p = g.fold(p, v)
	}
	return p
}

func (g *CodeGenerator) fold(p, v int) int {
	n := len(g.terms.Alphabet)
	s := (p + v) % n
	if s == 0 {
		s = n
	}
	return s * g.factor % (n + 1)
}

// closing is the value of the character that ends on 1.
func (g *CodeGenerator) closing(p int) int {
	n := len(g.terms.Alphabet)
	return ((1-p)%n + n) % n
}

// checkFactor is the least unit above 1 of the numbers modulo n+1: 2 for an even n.
func checkFactor(n int) int {
	for f := 2; ; f++ {
		if gcd(f, n+1) == 1 {
			return f
		}
	}
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
