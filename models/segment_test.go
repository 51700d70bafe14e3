package models_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// written writes a segment with all its brackets.
func written(s *models.Segment) string {
	var either []string
	for _, all := range s.Any {
		var terms []string
		for _, t := range all.All {
			text := t.Field + ":" + t.Text
			switch {
			case t.Group != nil:
				text = written(t.Group)
			case t.Named != nil:
				text = "<" + *t.Named + ">"
			}
			if t.Not {
				text = "!" + text
			}
			terms = append(terms, text)
		}
		either = append(either, strings.Join(terms, "&"))
	}
	return "(" + strings.Join(either, "|") + ")"
}

func TestSegmentReadsAsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`tag:vip`:                                    "(tag:vip)",
		`tag:a or tag:b and not tag:c`:               "(tag:a|tag:b&!tag:c)",
		`(tag:a or tag:b) and not (tag:c)`:           "((tag:a|tag:b)&!(tag:c))",
		"  TAG:VIP\n AND\tNOT tag:\"Big Spender\"":   "",
		`tag:ＶＩＰ`:                                    "(tag:vip)",
		`tag:and or tag:not`:                         "(tag:and|tag:not)",
		`tag:"a:b"`:                                  "(tag:a:b)",
		`segment("the vips") and locale:de-at`:       "(<the vips>&locale:de-AT)",
		`time_zone:Europe/Berlin`:                    "(time_zone:Europe/Berlin)",
		`active_within:30d or seen_since:2026-01-31`: "(active_within:30d|seen_since:2026-01-31)",
		`seen_since:"2026-01-31T09:00:00Z"`:          "(seen_since:2026-01-31T09:00:00Z)",
		`not opted_out:email`:                        "(!opted_out:email)",
	} {
		s, err := models.ParseSegment(text)
		if want == "" {
			assert.Equal(t, models.CodeInvalidExpression, models.CodeOf(err), "a tag has no blanks: %q", text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want, written(s), text)
	}
}

func TestSegmentSaysWhereItIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		at   int
		says string
	}{
		``:               {1, "unexpected"},
		`   `:            {4, "unexpected"},
		`tag:`:           {5, "unexpected"},
		`tag:a tag:b`:    {7, "unexpected"},
		`tag:a and`:      {10, "unexpected"},
		`(tag:a`:         {7, "unexpected"},
		`tag:a)`:         {6, "unexpected"},
		`tag:ä or age:7`: {10, "there is no"},
		`tag:"a`:         {5, "invalid input"},
		`tag:"a,b"`:      {1, "can't be a tag"},
		`tag:` + strings.Repeat("x", models.MaxTagLength+1): {1, "can't be a tag"},
		`locale:nowhere-land`:                               {1, "BCP 47"},
		`time_zone:Mars/Olympus`:                            {1, "IANA"},
		`time_zone:Local`:                                   {1, "IANA"},
		`active_within:30`:                                  {1, "30d"},
		`active_within:-3d`:                                 {1, "30d"},
		`active_within:999999999w`:                          {1, "30d"},
		`seen_since:yesterday`:                              {1, "date"},
		`opted_out:pigeon`:                                  {1, "push"},
		`segment(vips)`:                                     {9, "unexpected"},
		strings.Repeat("(", 21) + "tag:a":                   {21, "brackets"},
		strings.Repeat("x", 2001):                           {2000, "at most"},
		strings.Repeat("tag:a or ", 100) + "tag:b":          {901, "too many terms"},
	} {
		_, err := models.ParseSegment(text)
		require.Equal(t, models.CodeInvalidExpression, models.CodeOf(err), "%q", text)
		var e *models.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, want.at, e.Params["at"], "%.60q: %s", text, e.Message)
		assert.Contains(t, e.Message, want.says, "%.60q", text)
	}
}

func TestSegmentValues(t *testing.T) {
	t.Parallel()
	s, err := models.ParseSegment(`active_within:36h and seen_within:2w and active_since:2026-02-03 and opted_out:sms and segment("a") or segment("b")`)
	require.NoError(t, err)
	terms := s.Any[0].All
	assert.Equal(t, 36*time.Hour, terms[0].Within)
	assert.Equal(t, 14*24*time.Hour, terms[1].Within)
	assert.Equal(t, models.NewTime(time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)), terms[2].Since)
	assert.Equal(t, models.ChannelSMS, terms[3].Channel)
	assert.Equal(t, []string{"a", "b"}, s.Names())
}

func TestTagsAreNormalised(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		" VIP ": "vip", "ＧＯＬＤ": "gold", "big-spender": "big-spender", "größe": "größe", "a:b": "a:b",
		"": "", "  ": "", "a b": "", "a,b": "", "a|b": "", `a"b`: "", "a\x00": "", "a\u200bb": "", "\xff": "",
		strings.Repeat("x", models.MaxTagLength): strings.Repeat("x", models.MaxTagLength), strings.Repeat("x", models.MaxTagLength+1): "",
	} {
		assert.Equal(t, want, models.Tag(word), "%q", word)
	}
}

func TestChannelSetIsWords(t *testing.T) {
	t.Parallel()
	set, err := models.ParseChannelSet([]string{"push", "email"})
	require.NoError(t, err)
	assert.Equal(t, []string{"email", "push"}, set.Words())
	assert.True(t, set.Has(models.ChannelPush))
	assert.False(t, set.Has(models.ChannelPush|models.ChannelSMS))
	text, err := set.MarshalJSON()
	require.NoError(t, err)
	var again models.ChannelSet
	require.NoError(t, again.UnmarshalJSON(text))
	assert.Equal(t, set, again)
	assert.Error(t, again.UnmarshalJSON([]byte(`["fax"]`)))
	assert.Error(t, again.UnmarshalJSON([]byte(`3`)))
}
