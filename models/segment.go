package models

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Bounds of an expression. The store turns it into one condition of SQL.
const (
	MaxSegmentLength = 2000 // characters
	MaxSegmentTerms  = 100  // terms, those of the segments that it uses included
	maxSegmentDepth  = 20   // brackets within brackets
)

// Segment is a parsed expression over users, such as
//
//	tag:vip and not (tag:staff or opted_out:email) and active_within:30d
//
// "and" binds more tightly than "or", "not" more than both. Users hold for an expression when one of Any does.
type Segment struct {
	Any []SegmentAll `parser:"@@ ( 'or' @@ )*"`
}

// SegmentAll holds when all of its terms do.
type SegmentAll struct {
	All []SegmentTerm `parser:"@@ ( 'and' @@ )*"`
}

// SegmentTerm is one thing to be true of a user, or with Not, to be false. Exactly one of Group, Named and Field is set.
type SegmentTerm struct {
	Pos   lexer.Position
	Not   bool     `parser:"@'not'?"`
	Group *Segment `parser:"( '(' @@ ')'"`
	Named *string  `parser:"| 'segment' '(' @String ')'"`
	Field string   `parser:"| @Word ':'"`
	Text  string   `parser:"  ( @Word | @String ) )"`

	Channel ChannelSet    `parser:""` // of opted_out
	Within  time.Duration `parser:""` // of active_within and seen_within
	Since   Time          `parser:""` // of active_since and seen_since
}

// The fields of a term.
const (
	SegmentTag          = "tag"           // the user has the tag
	SegmentLocale       = "locale"        // the user's locale is this one, or one under it: de holds for de-AT
	SegmentTimeZone     = "time_zone"     // the user's time zone has this name
	SegmentActiveWithin = "active_within" // the user claimed, quoted or held something so short a time ago: 12h, 30d, 8w
	SegmentActiveSince  = "active_since"  // or since an instant: 2026-01-31, or "2026-01-31T09:00:00Z"
	SegmentSeenWithin   = "seen_within"   // Tearoff knows the user for no longer than this
	SegmentSeenSince    = "seen_since"
	SegmentOptedOut     = "opted_out" // the user wants nothing by this channel: inbox, email, sms, push
)

var segmentParser = participle.MustBuild[Segment](
	participle.Lexer(lexer.MustSimple([]lexer.SimpleRule{
		{Name: "String", Pattern: `"[^"]*"`}, {Name: "Word", Pattern: `[^\s()":]+`}, {Name: "Mark", Pattern: `[():]`}, {Name: "space", Pattern: `\s+`},
	})),
	participle.Map(func(t lexer.Token) (lexer.Token, error) {
		t.Value = t.Value[1 : len(t.Value)-1]
		return t, nil
	}, "String"),
	participle.CaseInsensitive("Word"), participle.UseLookahead(2),
)

// ParseSegment reads an expression. Its error is CodeInvalidExpression and says at which character, from 1.
func ParseSegment(text string) (*Segment, error) {
	if utf8.RuneCountInString(text) > MaxSegmentLength {
		return nil, segmentFault(MaxSegmentLength, fmt.Sprintf("must be at most %d characters", MaxSegmentLength))
	}
	depth := 0
	for i, r := range text { // before a parser that calls itself for each bracket
		depth += map[rune]int{'(': 1, ')': -1}[r]
		if depth > maxSegmentDepth {
			return nil, segmentFault(utf8.RuneCountInString(text[:i])+1, "has too many brackets within brackets")
		}
	}
	s, err := segmentParser.ParseString("", text)
	if err != nil {
		at, message := len(text)+1, "can't be read"
		var fault participle.Error
		if errors.As(err, &fault) {
			at, message = fault.Position().Offset, fault.Message()
			at = utf8.RuneCountInString(text[:min(at, len(text))]) + 1
		}
		return nil, segmentFault(at, message)
	}
	terms := 0
	err = s.each(func(t *SegmentTerm) error {
		terms++
		if terms > MaxSegmentTerms {
			return errors.New("has too many terms")
		}
		return t.judge()
	}, func(t *SegmentTerm, err error) error {
		return segmentFault(utf8.RuneCountInString(text[:t.Pos.Offset])+1, err.Error())
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

func segmentFault(at int, message string) error {
	return NewError(CodeInvalidExpression, fmt.Sprintf("at %d: %s", at, message)).With("at", at)
}

// Names are the segments that the expression uses, as they come.
func (s *Segment) Names() []string {
	var names []string
	_ = s.each(func(t *SegmentTerm) error {
		if t.Named != nil {
			names = append(names, *t.Named)
		}
		return nil
	}, nil)
	return names
}

// each hands every term that is no group to judge; fault turns its error.
func (s *Segment) each(judge func(*SegmentTerm) error, fault func(*SegmentTerm, error) error) error {
	for i := range s.Any {
		for j := range s.Any[i].All {
			t := &s.Any[i].All[j]
			if t.Group != nil {
				if err := t.Group.each(judge, fault); err != nil {
					return err
				}
			} else if err := judge(t); err != nil {
				return fault(t, err)
			}
		}
	}
	return nil
}

// judge reads the term's text.
func (t *SegmentTerm) judge() (err error) {
	if t.Named != nil {
		return nil // whether there is such a segment is for the store to say
	}
	t.Field = strings.ToLower(t.Field)
	switch t.Field {
	case SegmentTag:
		if t.Text = Tag(t.Text); t.Text == "" {
			err = errors.New("that can't be a tag")
		}
	case SegmentLocale:
		if t.Text, err = Locale(t.Text); err != nil || t.Text == "" {
			err = errors.New("must be a BCP 47 tag, such as de or de-AT")
		}
	case SegmentTimeZone:
		if t.Text, err = TimeZone(t.Text); err != nil || t.Text == "" {
			err = errors.New("must be an IANA name, such as Europe/Berlin")
		}
	case SegmentActiveWithin, SegmentSeenWithin:
		t.Within, err = segmentSpan(t.Text)
	case SegmentActiveSince, SegmentSeenSince:
		t.Since, err = segmentInstant(t.Text)
	case SegmentOptedOut:
		if t.Channel, err = ParseChannelSet([]string{t.Text}); err != nil {
			err = errors.New("must be inbox, email, sms or push")
		}
	default:
		err = fmt.Errorf("there is no %q; there are tag, segment(…), locale, time_zone, active_within, active_since, seen_within, seen_since, opted_out", t.Field)
	}
	return err
}

// maxSpanDays bounds a span, so that its sum with an instant stays one.
const maxSpanDays = 100 * 366

func segmentSpan(text string) (time.Duration, error) {
	bad := errors.New("must be a number of hours, days or weeks: 12h, 30d, 8w")
	if len(text) < 2 {
		return 0, bad
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	unit := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	if err != nil || n < 1 || unit == 0 || n > maxSpanDays || time.Duration(n) > maxSpanDays*24*time.Hour/unit {
		return 0, bad
	}
	return time.Duration(n) * unit, nil
}

func segmentInstant(text string) (Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() > 1900 {
			return NewTime(at), nil
		}
	}
	return Time{}, errors.New(`must be a date, such as 2026-01-31, or an instant, such as "2026-01-31T09:00:00Z"`)
}
