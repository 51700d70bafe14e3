package models

import "time"

// FirstShown is when the clocks of a zone first show a time of day, given as if it were UTC, or a later one. A time that is
// skipped where clocks are put forward, or a day that a zone left out, is the first instant after it; of a time that is
// shown twice it is the first. So the zone's offsets are gone through in turn.
func FirstShown(wall time.Time, zone *time.Location) time.Time {
	for at := wall.AddDate(0, 0, -2).In(zone); ; {
		_, offset := at.Zone()
		shown := wall.Add(-time.Duration(offset) * time.Second)
		if shown.Before(at) {
			shown = at
		}
		_, end := at.ZoneBounds()
		if end.IsZero() || shown.Before(end) {
			return shown
		}
		at = end
	}
}

// dayOf is the calendar day of the zone to which the instant belongs, as its midnight in UTC. Days begin where FirstShown
// says, so that each instant belongs to one day also where clocks go back over midnight.
func dayOf(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	if next := day.AddDate(0, 0, 1); !at.Before(FirstShown(next, zone)) {
		return next
	}
	return day
}
