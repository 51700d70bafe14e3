package rules

import (
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/models"
)

// version names a version of a stored rule, which never changes.
type version struct {
	id      string
	version int
}

// parsedRules keeps the rules that are in use; a few kilobytes each.
var parsedRules = sync.OnceValue(func() *otter.Cache[version, *Rule] {
	return otter.Must(&otter.Options[version, *Rule]{MaximumSize: 10_000})
})

// Parsed is Parse for a stored version of a rule: read once and kept for the next time.
func Parsed(stored models.Rule) (*Rule, error) {
	key := version{stored.ID, stored.Version}
	if known, ok := parsedRules().GetIfPresent(key); ok {
		return known, nil
	}
	r, err := Parse(stored.Content)
	if err != nil {
		return nil, models.NewError(models.CodeInternal, "a stored rule can't be read").Wrap(err)
	}
	if stored.ID != "" {
		parsedRules().Set(key, &r)
	}
	return &r, nil
}
