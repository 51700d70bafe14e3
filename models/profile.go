package models

import (
	"slices"
	"time"

	"golang.org/x/text/language"
)

const maxLocale = 35 // RFC 5646, 4.4.1

// Locale makes a BCP 47 tag canonical; "" stays "". What isn't one is CodeInvalidRequest.
func Locale(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	tag, err := language.Parse(text)
	if err != nil || len(tag.String()) > maxLocale {
		return "", NewError(CodeInvalidRequest, "must be a BCP 47 tag, such as de-AT")
	}
	return tag.String(), nil
}

// TimeZone checks an IANA name; "" is no zone. What isn't one is CodeInvalidRequest.
func TimeZone(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" || len(name) > 64 {
		return "", NewError(CodeInvalidRequest, "must be an IANA name, such as Europe/Berlin")
	}
	return name, nil
}

// Tags normalises words, sorted and each once. A word that can't be a tag, or too many of them, is CodeInvalidRequest.
func Tags(words []string) ([]string, error) {
	tags := make([]string, len(words))
	for i, w := range words {
		if tags[i] = Tag(w); tags[i] == "" {
			return nil, NewError(CodeInvalidRequest, "a tag has 1 to 64 characters, without blanks, quotes, brackets, commas, semicolons and bars")
		}
	}
	slices.Sort(tags)
	if tags = slices.Compact(tags); len(tags) > MaxTags {
		return nil, NewError(CodeInvalidRequest, "a user can have 100 tags").With("most", MaxTags)
	}
	return tags, nil
}
