package models_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

func TestCodeKey(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"summer10": "SUMMER10", "  Summer10\t": "SUMMER10", "ｓｕｍｍｅｒ１０": "SUMMER10", "straße": "STRASSE", "ﬁve": "FIVE", "10 % off": "10 % OFF",
		"": "", "   ": "", "a\x00b": "", "a\u200bb": "", "\ufffd": "", strings.Repeat("x", models.MaxCodeLength+1): "",
		strings.Repeat("x", models.MaxCodeLength): strings.Repeat("X", models.MaxCodeLength),
	} {
		assert.Equal(t, want, models.CodeKey(typed), "%q", typed)
		assert.Equal(t, want, models.CodeKey(want), "a key is its own key")
		if name := models.CodeName(typed); want == "" {
			assert.NotEmpty(t, name)
			assert.Empty(t, models.CodeKey(name), "%q is no key, so no code has it", name)
		} else {
			assert.Equal(t, want, name)
		}
	}
}
