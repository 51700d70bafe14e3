package api

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
)

// when is the start or the end of a window as it is asked for: an instant, or a day of the batch's time zone. As a start,
// a day is its first instant, as an end all of it.
type when string

// Schema implements huma.SchemaProvider.
func (when) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Examples: []any{"2026-12-31", "2026-12-31T18:00:00+01:00"},
		Description: "An instant (RFC 3339) or a date, which is a day of the batch's time zone.",
	}
}

// windows reads windows in a time zone, and hands on what is wrong with them.
type windows struct {
	zone  *time.Location
	fault func(path, message string)
}

// start reads where a window begins; the zero value for nil or a fault.
func (w windows) start(path string, at *when) models.Time { return w.read(path, at, 0) }

// end reads where a window ends, which is excluded; the zero value for nil or a fault.
func (w windows) end(path string, at *when) models.Time { return w.read(path, at, 1) }

func (w windows) read(path string, at *when, days int) models.Time {
	if at == nil {
		return models.Time{}
	}
	t, err := models.ReadWhen(string(*at), w.zone, days)
	if err != nil {
		w.fault(path, err.Error())
	}
	return t
}

// follows finds fault with an instant that isn't after another.
func (w windows) follows(path string, at models.Time, before string, than models.Time) {
	if !at.IsZero() && !than.IsZero() && !at.After(than) {
		w.fault(path, "must be after "+before)
	}
}
