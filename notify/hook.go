package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
)

// HookConfig says who delivers messages of a channel: a service of the merchant's own, or in front of a provider, that takes
// signed requests as docs/messages.md describes.
type HookConfig struct {
	URL     string
	Secrets []string // whsec_…, one or more: each signs
	Channel models.Channel
}

// Hook hands messages over to a service by signed HTTP requests.
type Hook struct {
	sender *Webhooks
	config HookConfig
}

// NewHook reads the configuration; it connects to nothing. Errors name no secret.
func NewHook(sender *Webhooks, c HookConfig) (*Hook, error) {
	if !strings.HasPrefix(c.URL, "https://") && !strings.HasPrefix(c.URL, "http://") {
		return nil, errors.New("notify: the service for " + string(c.Channel) + " must be an https URL")
	}
	for _, secret := range c.Secrets {
		if !strings.HasPrefix(secret, "whsec_") {
			return nil, errors.New("notify: the secrets for " + string(c.Channel) + " must be whsec_ and base64")
		}
	}
	if len(c.Secrets) == 0 {
		return nil, errors.New("notify: the service for " + string(c.Channel) + " needs a secret")
	}
	return &Hook{sender, c}, nil
}

// hookMessage is the body of a request.
type hookMessage struct {
	ID      string             `json:"id"`
	Channel models.Channel     `json:"channel"`
	To      string             `json:"to"` // a phone number; for push the caller's own id of the user
	UserID  string             `json:"user_id"`
	Kind    models.MessageKind `json:"kind"`
	Locale  string             `json:"locale"`
	Subject string             `json:"subject"`
	Text    string             `json:"text"`
}

// Send implements Channel.
func (h *Hook) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(hookMessage{
		ID: m.ID, Channel: h.config.Channel, To: m.To, UserID: m.UserID, Kind: m.Kind, Locale: m.Locale, Subject: m.Subject, Text: m.Text,
	})
	if err != nil {
		return &Failure{Class: Refused, Outcome: models.OutcomeContentRefused}
	}
	answer, err := h.sender.Send(ctx, Webhook{URL: h.config.URL, ID: m.ID, At: time.Now(), Secrets: h.config.Secrets, Body: body})
	if err != nil {
		return &Failure{Class: Down, Outcome: models.OutcomeUnreachable}
	}
	if failure := hookFailure(answer); failure != nil {
		return failure
	}
	return nil
}

// hookFailure says what an answer means; nil: the service has taken the message.
func hookFailure(a WebhookAnswer) *Failure {
	switch a.Failure {
	case "":
		return nil
	case models.FailureStatus:
		return statusFailure(a.Status)
	case models.FailureTimeout, models.FailureBroken:
		return &Failure{Class: Later, Outcome: models.OutcomeNoAnswer, Code: a.Status}
	case models.FailureURL, models.FailureName, models.FailureAddress, models.FailureConnect, models.FailureTLS, models.FailureRedirect:
	}
	return &Failure{Class: Down, Outcome: models.OutcomeUnreachable, Code: a.Status}
}

func statusFailure(status int) *Failure {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return &Failure{Class: Refused, Outcome: models.OutcomeAddressRefused, Code: status}
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &Failure{Class: Refused, Outcome: models.OutcomeContentRefused, Code: status}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusServiceUnavailable:
		return &Failure{Class: Down, Outcome: models.OutcomeUnreachable, Code: status}
	default:
		return &Failure{Class: Later, Outcome: models.OutcomeTryLater, Code: status}
	}
}
