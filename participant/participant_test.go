package participant_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/participant"
)

func TestRefusal(t *testing.T) {
	t.Parallel()
	code, message, ok := participant.Refusal(fmt.Errorf("activity: %w", participant.Refuse("out_of_stock", "gone")))
	assert.True(t, ok)
	assert.Equal(t, "out_of_stock", code)
	assert.Equal(t, "gone", message)

	_, message, ok = participant.Refusal(participant.Refuse("x", strings.Repeat("é", 400)+"!"))
	assert.True(t, ok)
	assert.LessOrEqual(t, len(message), 500)
	assert.True(t, utf8.ValidString(message))
	_, message, _ = participant.Refusal(participant.Refuse("x", "a"+strings.Repeat("é", 400)))
	assert.Len(t, message, 499, "no half character")

	for _, code := range []string{"", "Out", "1st", "no stock", "out-of-stock", "_x", strings.Repeat("x", 65)} {
		_, _, ok := participant.Refusal(participant.Refuse(code, ""))
		assert.False(t, ok, code)
	}
	for _, err := range []error{nil, errors.New("down"), temporal.NewApplicationError("down", "out_of_stock"), temporal.NewCanceledError()} {
		_, _, ok := participant.Refusal(err)
		assert.False(t, ok, "%v", err)
	}
}
