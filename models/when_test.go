package models_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

// A date is a day of the zone: as a start its first instant, as an end all of it.
func TestReadWhen(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for text, want := range map[string][2]string{
		"2026-03-29":                {"2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // clocks are put forward
		"2026-12-31T18:00:00+01:00": {"2026-12-31T17:00:00Z", "2026-12-31T17:00:00Z"},
	} {
		for days := range 2 {
			at, err := models.ReadWhen(text, berlin, days)
			require.NoError(t, err)
			assert.Equal(t, want[days], at.UTC().Format(time.RFC3339), text)
		}
	}
	for text, want := range map[string]error{
		"": models.ErrNoWhen, "2026-02-30": models.ErrNoWhen, "tomorrow": models.ErrNoWhen, "1999-12-31": models.ErrNoYear, "9001-01-01T00:00:00Z": models.ErrNoYear,
	} {
		_, err := models.ReadWhen(text, time.UTC, 0)
		assert.ErrorIs(t, err, want, text)
	}
}
