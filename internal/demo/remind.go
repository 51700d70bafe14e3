package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// remindSoon sets the reminder of the letter's coupons to the first minute that is far enough away, and says which.
func (s *story) remindSoon(ctx context.Context) (time.Time, error) {
	zone, err := time.LoadLocation("America/New_York") // the batch's
	if err != nil {
		return time.Time{}, err
	}
	template, err := s.template(ctx, models.MessageReminder, "Not for long: {{.coupons}} coupon")
	if err != nil {
		return time.Time{}, err
	}
	at := time.Now().Add(30 * time.Second).Truncate(time.Minute).Add(time.Minute).In(zone)
	// Coupons of 90 minutes end today or tomorrow.
	var thresholds []map[string]any
	for days := range 2 {
		thresholds = append(thresholds, map[string]any{"days_before": days, "at": at.Format("15:04"), "template_id": template})
	}
	_, err = call[struct{}](ctx, s.admin, request{Method: http.MethodPut, Path: "/v1/admin/batches/" + s.batches[shop.Letter] + "/reminders", Body: map[string]any{
		"reminders": thresholds, "reason": "so that nobody forgets",
	}})
	return at, err
}

// remind waits for the minute of the reminder.
func (s *story) remind(ctx context.Context, sc *scene) error {
	if s.remindAt.IsZero() {
		sc.tell("there is no coupon to remind of")
		return nil
	}
	sc.tell("it was set to %s in New York", s.remindAt.Format("15:04"))
	type days struct {
		Items []struct {
			Told int `json:"told"`
		} `json:"items"`
	}
	path := "/v1/admin/batches/" + s.batches[shop.Letter] + "/reminders"
	told, err := until(ctx, func(ctx context.Context) (int, error) {
		shown, err := call[days](ctx, s.admin, request{Path: path})
		sum := 0
		for _, day := range shown.Items {
			sum += day.Told
		}
		return sum, err
	}, func(told int) bool { return told >= 100 })
	if err != nil {
		return fmt.Errorf("%d were told: %w", told, err)
	}
	check(sc, "customers who were told", 100, told)
	return s.checkMails(ctx, sc, "Not for long: 1 coupon")
}
