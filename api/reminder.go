package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// notices are what owners of a batch's coupons are told.
type notices struct {
	Reminders        []threshold `json:"reminders,omitempty" maxItems:"5" nullable:"false" doc:"When owners are reminded that coupons expire. Nobody is told twice on a day: of several that coincide the nearest expiry wins."`
	ActiveWithinDays int         `json:"active_within_days,omitempty" minimum:"0" maximum:"3650" doc:"Only users who claimed, quoted or held so lately are written to. 0: everybody."`
}

// threshold says how long before the end of a coupon its owner is reminded, and how.
type threshold struct {
	DaysBefore int      `json:"days_before" minimum:"0" maximum:"90" doc:"Calendar days of the batch's time zone; 0: on the coupon's last day. No two alike." example:"3"`
	At         string   `json:"at" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"The hour of the batch's time zone. One that clocks skip is when they have; of one that they show twice it is the first." example:"09:00"`
	LateHours  int      `json:"late_hours,omitempty" minimum:"0" maximum:"24" doc:"For how long after that hour it may still be sent, if it could not be before. Default 12."`
	TemplateID string   `json:"template_id,omitempty" maxLength:"100" doc:"A template of kind reminder. Default: the one that the merchant has bound to reminders; without one, only webhooks are told."`
	Channels   []string `json:"channels,omitempty" maxItems:"4" nullable:"false" enum:"inbox,email,sms,push" doc:"Of those of the template. Default: all of them." example:"[\"email\"]"`
}

type setRemindersInput struct {
	BatchPath
	Body struct {
		Reminders        []threshold `json:"reminders,omitempty" maxItems:"5" nullable:"false" doc:"All of them. Absent: nobody is reminded any more."`
		ActiveWithinDays int         `json:"active_within_days,omitempty" minimum:"0" maximum:"3650" doc:"Only users who claimed, quoted or held so lately are written to. 0: everybody."`
		Reason           string      `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type listRemindersInput struct {
	BatchPath
	PageInput
}

type remindersOutput struct{ Body page[reminderRun] }

// reminderRun is how far the reminders of a batch have come on one day.
type reminderRun struct {
	Day       string     `json:"day" format:"date" doc:"Of the batch's time zone."`
	Told      int64      `json:"told" doc:"Users who were told."`
	Missed    int64      `json:"missed,omitempty" doc:"Reminders that could not be sent until it was too late."`
	DoneAt    *time.Time `json:"done_at,omitempty" doc:"Absent: something of the day is left."`
	UpdatedAt time.Time  `json:"updated_at"`
}

// reminderRoutes are those of reminders.
func (s *Server) reminderRoutes() []route {
	return []route{
		on(s, spec{Route: "PUT /v1/admin/batches/{id}/reminders", Name: "set-reminders", Roles: admins, Status: http.StatusOK,
			Summary: "When owners of the batch's coupons are reminded that they expire"}, s.setReminders),
		on(s, spec{Route: "GET /v1/admin/batches/{id}/reminders", Name: "list-reminders", Roles: adminRead,
			Summary: "How many were reminded on which day, newest first"}, s.listReminders),
	}
}

func (s *Server) setReminders(ctx context.Context, in *setRemindersInput) (*batchOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	asked, err := s.checkNotices(ctx, notices{in.Body.Reminders, in.Body.ActiveWithinDays}, row.MerchantID, func(path, message string) {
		faults = append(faults, Fault{Path: "body." + path, Message: message})
	})
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, invalid(faults...)
	}
	record := audited(ctx, "batch.reminders", in.Body.Reason)
	record.Detail = map[string]any{"reminders": in.Body.Reminders, "active_within_days": in.Body.ActiveWithinDays}
	row, err = s.store.SetNotices(ctx, store.NoticesChange{BatchID: in.ID, Notices: asked, Audit: record})
	if err != nil {
		return nil, err
	}
	return &batchOutput{Body: viewBatch(row)}, nil
}

// checkNotices reads notices and hands on what is wrong with them.
func (s *Server) checkNotices(ctx context.Context, in notices, merchantID string, fault func(path, message string)) (models.Notices, error) {
	out := models.Notices{ActiveWithinDays: in.ActiveWithinDays}
	first := map[int]int{}
	for i, t := range in.Reminders {
		path := fmt.Sprintf("reminders[%d].", i)
		if at, twice := first[t.DaysBefore]; twice {
			fault(path+"days_before", fmt.Sprintf("is the same as that of reminders[%d]", at))
		} else {
			first[t.DaysBefore] = i
		}
		if t.TemplateID != "" {
			ok, err := s.isReminder(ctx, t.TemplateID, merchantID)
			if err != nil {
				return out, err
			}
			if !ok {
				fault(path+"template_id", "must be a template of kind reminder of the batch's merchant")
			}
		}
		reminder := models.Threshold{DaysBefore: t.DaysBefore, At: t.At, LateHours: t.LateHours, TemplateID: t.TemplateID}
		for _, c := range t.Channels {
			reminder.Channels = append(reminder.Channels, models.Channel(c))
		}
		out.Reminders = append(out.Reminders, reminder)
	}
	return out, nil
}

func (s *Server) isReminder(ctx context.Context, templateID, merchantID string) (bool, error) {
	t, err := s.store.Template(ctx, templateID, 0)
	if models.CodeOf(err) == models.CodeNotFound {
		return false, nil
	}
	return t.MerchantID == merchantID && t.Kind == models.MessageReminder, err
}

func viewNotices(n models.Notices) notices {
	out := notices{ActiveWithinDays: n.ActiveWithinDays}
	for _, t := range n.Reminders {
		view := threshold{DaysBefore: t.DaysBefore, At: t.At, LateHours: t.LateHours, TemplateID: t.TemplateID}
		for _, c := range t.Channels {
			view.Channels = append(view.Channels, string(c))
		}
		out.Reminders = append(out.Reminders, view)
	}
	return out
}

const reminderList = "reminders"

func (s *Server) listReminders(ctx context.Context, in *listRemindersInput) (*remindersOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	before := ""
	parts, err := decodeCursor(in.Cursor, reminderList, 1)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		if _, err := time.Parse(time.DateOnly, parts[0]); err != nil {
			return nil, invalidCursor()
		}
		before = parts[0]
	}
	rows, err := s.store.ReminderRuns(ctx, in.ID, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	l := list[models.ReminderRun, reminderRun]{name: reminderList, mark: func(r models.ReminderRun) []string { return []string{r.Day} }, view: viewReminderRun}
	return &remindersOutput{Body: l.page(rows, in.Limit)}, nil
}

func viewReminderRun(r models.ReminderRun) reminderRun {
	return reminderRun{Day: r.Day, Told: r.Told, Missed: r.Missed, DoneAt: instant(r.DoneAt), UpdatedAt: r.UpdatedAt.Time}
}
