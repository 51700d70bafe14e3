package rules

import (
	"fmt"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// maxHours bounds a timetable.
const maxHours = 50

// Hours is a span of the day on some days of the week, by the clock on the wall: an hour that the clock skips is in no
// span, one that it repeats is in it twice.
type Hours struct {
	Days  []string `json:"days,omitempty" minItems:"1" maxItems:"7" nullable:"false" enum:"mon,tue,wed,thu,fri,sat,sun" doc:"Default: every day. A span over midnight belongs to the day it begins on."`
	From  string   `json:"from,omitempty" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"Included. Default 00:00." example:"18:00"`
	Until string   `json:"until,omitempty" pattern:"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" doc:"Not included any more. Default 24:00. Not after from: the span goes over midnight." example:"22:00"`
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} // by time.Weekday

const dayMinutes = 24 * 60

func checkHours(all []Hours, f *faults) {
	if len(all) > maxHours {
		f.add("conditions.hours", "must have at most %d entries", maxHours)
		return
	}
	for i, h := range all {
		path := fmt.Sprintf("conditions.hours[%d]", i)
		for j, day := range h.Days {
			if !slices.Contains(weekdays, day) || slices.Contains(h.Days[:j], day) {
				f.add(fmt.Sprintf("%s.days[%d]", path, j), "must be one of mon, tue, wed, thu, fri, sat, sun and not repeated")
			}
		}
		from, fromOK := minutes(h.From, 0)
		until, untilOK := minutes(h.Until, dayMinutes)
		if !fromOK || from == dayMinutes {
			f.add(path+".from", "must be a time from 00:00 to 23:59")
		}
		if !untilOK {
			f.add(path+".until", "must be a time from 00:00 to 24:00")
		}
		if fromOK && untilOK && from == until {
			f.add(path, "must not end when it begins")
		}
	}
}

// minutes reads hh:mm as minutes after midnight.
func minutes(text string, absent int) (int, bool) {
	if text == "" {
		return absent, true
	}
	if text == "24:00" {
		return dayMinutes, true
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

func refuseHours(all []Hours, at time.Time, zone *time.Location) *refusal {
	if len(all) == 0 {
		return nil
	}
	if zone == nil {
		zone = time.UTC
	}
	local := at.In(zone)
	for _, h := range all {
		if h.cover(local) {
			return nil
		}
	}
	return refuse(models.CodeOutsideHours, "the coupon can't be used at this hour", "hours", all, "time_zone", zone.String())
}

func (h Hours) cover(local time.Time) bool {
	from, _ := minutes(h.From, 0)
	until, _ := minutes(h.Until, dayMinutes)
	now := local.Hour()*60 + local.Minute()
	today, yesterday := h.on(local.Weekday()), h.on((local.Weekday()+6)%7)
	if from < until {
		return today && from <= now && now < until
	}
	return today && from <= now || yesterday && now < until
}

func (h Hours) on(day time.Weekday) bool {
	return len(h.Days) == 0 || slices.Contains(h.Days, weekdays[day])
}
