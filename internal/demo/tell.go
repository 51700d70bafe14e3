package demo

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
)

// tell lets a system of the shop listen, which is down at first.
func (s *story) tell(ctx context.Context, sc *scene) error {
	l, err := startListener(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	type endpoint struct {
		ID     string `json:"id"`
		Secret string `json:"secret"`
	}
	made, err := call[endpoint](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/webhooks", Body: map[string]any{
		"url": l.URL, "events": []string{"hold.*"}, "reason": "the warehouse wants to know",
	}})
	if err != nil {
		return err
	}
	if l.secret, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(made.Secret, "whsec_")); err != nil {
		return err
	}
	if err := s.ping(ctx, l, made.ID); err != nil {
		return err
	}
	l.fail(1)
	o, err := s.order(ctx)
	if err != nil {
		return err
	}
	held, err := s.hold(ctx, o, time.Minute)
	if err != nil {
		return err
	}
	if _, err := call[redemption](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/holds/" + held.ID + "/cancel"}); err != nil {
		return err
	}
	sc.tell("the first request gets 500 for an answer, and is made again 5 s later")
	cancelled, err := until(ctx, func(context.Context) ([]heardEvent, error) { return l.of(models.EventHoldCancelled), nil },
		func(got []heardEvent) bool { return len(got) > 0 })
	if err != nil {
		return err
	}
	opened := l.of(models.EventHoldOpened)
	if len(opened) == 0 {
		return errors.New("a hold was cancelled that was never opened")
	}
	check(sc, "told that the hold was opened", held.ID, opened[0].Subject)
	check(sc, "and then that it was cancelled", held.ID, cancelled[0].Subject)
	check(sc, "requests whose signature is wrong", 0, l.wrong())
	type delivery struct {
		State    models.DeliveryState `json:"state"`
		Attempts int                  `json:"attempts"`
	}
	logged, err := until(ctx, func(ctx context.Context) (delivery, error) {
		return call[delivery](ctx, s.admin, request{Path: "/v1/admin/webhooks/" + made.ID + "/deliveries/" + opened[0].ID})
	}, func(d delivery) bool { return d.State != models.DeliveryPending })
	check(sc, "attempts in the delivery log", 2, logged.Attempts)
	return err
}

// ping sends a test and waits until it is there.
func (s *story) ping(ctx context.Context, l *listener, id string) error {
	_, err := call[struct{}](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/webhooks/" + id + "/test", Body: map[string]any{"reason": "does it work"}})
	if err != nil {
		return err
	}
	_, err = until(ctx, func(context.Context) (int, error) { return len(l.of(models.EventWebhookPing)), nil }, func(n int) bool { return n > 0 })
	return err
}
