package activities

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/payments"
)

// wire sends an error through Temporal, as an activity's answer comes to its workflow, and returns what history shows of
// it and what the workflow receives.
func wire(t *testing.T, err error) (history string, received error) {
	t.Helper()
	failure := temporal.GetDefaultFailureConverter().ErrorToFailure(err)
	require.NotNil(t, failure)
	return failure.String(), temporal.GetDefaultFailureConverter().FailureToError(failure)
}

var errSecret = errors.New("duplicate entry 'ann@example.org' for key 'users'")

// Every code of the catalogue keeps its type, its words and its parameters on the way, is tried again exactly when that
// can help, and takes no cause along.
func TestEveryCodeOnTheWire(t *testing.T) {
	t.Parallel()
	for _, info := range models.Catalogue() {
		t.Run(string(info.Code), func(t *testing.T) {
			t.Parallel()
			domain := models.NewError(info.Code, info.Meaning).With("state", "WAITING").With("remaining", 5).Wrap(errSecret)
			history, received := wire(t, asTemporal(fmt.Errorf("store: %w", domain)))
			assert.NotContains(t, history, "ann@example.org")

			var app *temporal.ApplicationError
			require.ErrorAs(t, received, &app)
			assert.Equal(t, string(info.Code), app.Type())
			final := info.Class != models.ClassInternal && info.Class != models.ClassUnavailable && info.Class != models.ClassTooMany
			assert.Equal(t, final, app.NonRetryable())
			assert.Equal(t, final || info.Code == models.CodePaymentUnknown, app.Category() == temporal.ApplicationErrorCategoryBenign,
				"a refusal is no fault of the worker")

			got, ok := AsDomain(received)
			require.True(t, ok)
			assert.Equal(t, info.Code, got.Code)
			assert.Equal(t, info.Meaning, got.Message)
			assert.Equal(t, map[string]any{"state": "WAITING", "remaining": 5.0}, got.Params)
			assert.NoError(t, got.Unwrap())
		})
	}
}

func TestErrorsThatAreNoRefusals(t *testing.T) {
	t.Parallel()
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		assert.NoError(t, asTemporal(nil))
	})
	t.Run("without parameters", func(t *testing.T) {
		t.Parallel()
		_, received := wire(t, asTemporal(models.NewError(models.CodeSoldOut, "none left")))
		got, ok := AsDomain(received)
		require.True(t, ok)
		assert.Empty(t, got.Params)
	})
	t.Run("unknown to the domain: internal, tried again, not shown", func(t *testing.T) {
		t.Parallel()
		history, received := wire(t, asTemporal(errSecret))
		got, ok := AsDomain(received)
		require.True(t, ok)
		assert.Equal(t, models.CodeInternal, got.Code)
		assert.NotContains(t, history, "ann@example.org")
		assert.False(t, models.Final(got))
	})
	for name, err := range map[string]error{
		"plain":      context.Canceled,
		"with words": fmt.Errorf("%w: %w", errSecret, context.Canceled),
		"of a call":  unknown("capture", fmt.Errorf("%w: %w", errSecret, context.Canceled)),
	} {
		t.Run("cancelled/"+name, func(t *testing.T) {
			t.Parallel()
			got := asTemporal(err)
			require.ErrorIs(t, got, context.Canceled, "the worker tells Temporal that it was cancelled")
			history, _ := wire(t, got)
			assert.NotContains(t, history, "ann@example.org")
			_, ok := AsDomain(got)
			assert.False(t, ok)
		})
	}
	t.Run("timed out", func(t *testing.T) {
		t.Parallel()
		_, ok := AsDomain(temporal.NewHeartbeatTimeoutError())
		assert.False(t, ok)
	})
}

// A provider's "no" is definitive and is told in our words; everything else leaves the outcome open.
func TestAnswersOfAProvider(t *testing.T) {
	t.Parallel()
	no := refusal(fmt.Errorf("stripe: %w", &payments.RefusedError{Code: models.CodePaymentDeclined, Message: "card of Ann"}))
	require.NotNil(t, no)
	assert.Equal(t, models.CodePaymentDeclined, no.Code)
	assert.NotContains(t, no.Error(), "Ann")
	for _, open := range []error{nil, payments.ErrUnknown, payments.ErrNotFound, context.DeadlineExceeded, errSecret} {
		assert.Nil(t, refusal(open))
	}
	assert.False(t, models.Final(unknown("capture", payments.ErrNotFound)), "tried again")
}
