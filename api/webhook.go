package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// endpointRoutes are those of outgoing webhooks.
func (s *Server) endpointRoutes() []route {
	const created, accepted, ok = http.StatusCreated, http.StatusAccepted, http.StatusOK
	return []route{
		on(s, spec{Route: "POST /v1/admin/webhooks", Name: "create-webhook", Roles: admins, Status: created,
			Summary: "An address that is told of events; its secret is shown once"}, s.createEndpoint),
		on(s, spec{Route: "GET /v1/admin/webhooks", Name: "list-webhooks", Roles: adminRead, Summary: "Webhook endpoints"}, s.listEndpoints),
		on(s, spec{Route: "GET /v1/admin/webhooks/{id}", Name: "get-webhook", Roles: adminRead,
			Summary: "A webhook endpoint and how it does"}, s.getEndpoint),
		on(s, spec{Route: "PATCH /v1/admin/webhooks/{id}", Name: "change-webhook", Roles: admins, Status: ok,
			Summary: "Change what is sent where"}, s.changeEndpoint),
		on(s, spec{Route: "DELETE /v1/admin/webhooks/{id}", Name: "delete-webhook", Roles: admins, Status: http.StatusNoContent,
			Summary: "Send nothing there any more"}, s.deleteEndpoint),
		on(s, spec{Route: "POST /v1/admin/webhooks/{id}/enable", Name: "enable-webhook", Roles: admins, Status: ok,
			Summary: "Send again, also what has been waiting"}, s.enableEndpoint),
		on(s, spec{Route: "POST /v1/admin/webhooks/{id}/disable", Name: "disable-webhook", Roles: admins, Status: ok,
			Summary: "Send nothing for a while; what waits is kept for a week"}, s.disableEndpoint),
		on(s, spec{Route: "POST /v1/admin/webhooks/{id}/rotate-secret", Name: "rotate-webhook-secret", Roles: admins, Status: ok,
			Summary: "A new secret, shown once; the one before signs beside it for a time"}, s.rotateEndpoint),
		on(s, spec{Route: "POST /v1/admin/webhooks/{id}/test", Name: "test-webhook", Roles: admins, Status: accepted,
			Summary: "Send an event of the type webhook.ping"}, s.testEndpoint),
		on(s, spec{Route: "POST /v1/admin/webhooks/{id}/replay", Name: "replay-webhook", Roles: admins, Status: accepted,
			Summary: "Send all events since an instant again"}, s.replayEndpoint),
		on(s, spec{Route: "GET /v1/admin/webhooks/{id}/deliveries", Name: "list-webhook-deliveries", Roles: adminRead,
			Summary: "What was, and is to be, sent to an endpoint, newest event first"}, s.listDeliveries),
		on(s, spec{Route: "GET /v1/admin/webhooks/{id}/deliveries/{event_id}", Name: "get-webhook-delivery", Roles: adminRead,
			Summary: "A delivery with what is sent"}, s.getDelivery),
		on(s, spec{Route: "POST /v1/admin/webhooks/{id}/deliveries/{event_id}/replay", Name: "replay-webhook-delivery", Roles: admins, Status: accepted,
			Summary: "Send one event again"}, s.replayDelivery),
	}
}

// EndpointPath names a webhook endpoint.
type EndpointPath struct {
	ID string `path:"id" maxLength:"100" example:"whk_01k9x3vdr0e9vw7a4mz0s8c1qf"`
}

type createEndpointInput struct {
	Keyed
	Body struct {
		URL         string   `json:"url" maxLength:"2000" example:"https://shop.example.com/tearoff"`
		Events      []string `json:"events" minItems:"1" maxItems:"50" nullable:"false" doc:"Types, all of a thing as coupon.*, or all as *." example:"[\"coupon.*\"]"`
		Description string   `json:"description,omitempty" maxLength:"1000" doc:"For you."`
		MerchantID  string   `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Whose events it is told of. Default: the key's merchant; a key of the platform: every merchant's."`
		Reason      string   `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log."`
	}
}

type changeEndpointInput struct {
	EndpointPath
	Body struct {
		URL         *string  `json:"url,omitempty" maxLength:"2000"`
		Events      []string `json:"events,omitempty" minItems:"1" maxItems:"50" nullable:"false" doc:"All of them: what is left out is no longer sent."`
		Description *string  `json:"description,omitempty" maxLength:"1000"`
		Reason      string   `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type endpointDeed struct {
	EndpointPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type rotateEndpointInput struct {
	EndpointPath
	Body struct {
		OverlapSeconds *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"604800" default:"86400" doc:"For how long the secret before signs too."`
		Reason         string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type endpointOutput struct{ Body Endpoint }

type endpointsOutput struct{ Body page[Endpoint] }

type newEndpointOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key made it."`
	Body     newEndpoint
}

type newEndpoint struct {
	Endpoint
	Secret string `json:"secret" doc:"Shown only here: it signs what is sent." example:"whsec_…"`
}

// Endpoint is an address that is told of events. Its secret is not shown.
type Endpoint struct {
	ID             string                `json:"id"`
	MerchantID     string                `json:"merchant_id,omitempty" doc:"Absent: it is told of every merchant's events."`
	URL            string                `json:"url"`
	Description    string                `json:"description,omitempty"`
	Events         []string              `json:"events" nullable:"false"`
	State          models.EndpointState  `json:"state" enum:"ENABLED,DISABLED"`
	Reason         models.EndpointReason `json:"reason,omitempty" enum:"admin,gone,failing" doc:"Why it is disabled: by an admin, because it answered 410, or because every attempt of a day failed."`
	Failures       int                   `json:"failures" doc:"Attempts in a row that failed."`
	FailingSince   *time.Time            `json:"failing_since,omitempty" doc:"Absent: the last attempt succeeded."`
	RetryAt        *time.Time            `json:"retry_at,omitempty" doc:"It fails again and again, and nothing is sent before."`
	OldSecretUntil *time.Time            `json:"old_secret_until,omitempty" doc:"Until then the secret before the newest signs too."`
	ReplaySince    *time.Time            `json:"replay_since,omitempty" doc:"Events since then are being sent again."`
	CreatedAt      time.Time             `json:"created_at"`
	UpdatedAt      time.Time             `json:"updated_at"`
}

func viewEndpoint(e models.WebhookEndpoint) Endpoint {
	v := Endpoint{
		ID: e.ID, MerchantID: e.MerchantID, URL: e.URL, Description: e.Description, Events: e.Events, State: e.State, Reason: e.Reason,
		Failures: e.Failures, FailingSince: instant(e.FailingSince), RetryAt: instant(e.RetryAt), ReplaySince: instant(e.ReplaySince),
		CreatedAt: e.CreatedAt.Time, UpdatedAt: e.UpdatedAt.Time,
	}
	if e.PreviousSecret != "" {
		v.OldSecretUntil = instant(e.PreviousUntil)
	}
	return v
}

// checkEndpoint says what is wrong with an address and subscriptions; nil ones are not looked at.
func (s *Server) checkEndpoint(url *string, events []string) error {
	var faults []Fault
	if url != nil {
		if fault := models.CheckWebhookURL(*url, s.cfg.WebhookAllowPrivate); fault != "" {
			faults = append(faults, Fault{Path: "body.url", Message: fault})
		}
	}
	for i, pattern := range events {
		if fault := models.CheckEventPattern(pattern); fault != "" {
			faults = append(faults, Fault{Path: fmt.Sprintf("body.events[%d]", i), Message: fault})
		}
	}
	if len(faults) > 0 {
		return invalid(faults...)
	}
	return nil
}

func (s *Server) createEndpoint(ctx context.Context, in *createEndpointInput) (*newEndpointOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err == nil {
		err = s.checkEndpoint(&in.Body.URL, in.Body.Events)
	}
	if err != nil {
		return nil, err
	}
	c, err := s.creates(ctx, in.Key, audited(ctx, "webhook.create", in.Body.Reason), in.Body)
	if err != nil {
		return nil, err
	}
	var e models.WebhookEndpoint
	if c.made { // with its secret, which the answer was lost with
		e, err = s.endpoint(ctx, c.record.Subject)
	} else {
		e, err = s.store.CreateEndpoint(ctx, models.WebhookEndpoint{
			MerchantID: merchantID, URL: in.Body.URL, Description: in.Body.Description, Events: in.Body.Events,
		}, c.record)
	}
	if err != nil {
		return nil, err
	}
	return &newEndpointOutput{Replayed: replayedAs(c.made), Body: newEndpoint{Endpoint: viewEndpoint(e), Secret: e.Secret}}, nil
}

const endpointList = "webhooks"

func (s *Server) listEndpoints(ctx context.Context, in *PageInput) (*endpointsOutput, error) {
	start, err := after(in.Cursor, endpointList, models.PrefixEndpoint)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Endpoints(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.WebhookEndpoint, Endpoint]{
		name: endpointList, view: viewEndpoint, mark: func(e models.WebhookEndpoint) []string { return []string{e.ID} },
	}
	return &endpointsOutput{Body: l.page(rows, in.Limit)}, nil
}

// endpoint returns one that the key can see, or CodeNotFound.
func (s *Server) endpoint(ctx context.Context, id string) (models.WebhookEndpoint, error) {
	const what = "webhook endpoint"
	if err := idOf(id, models.PrefixEndpoint, what); err != nil {
		return models.WebhookEndpoint{}, err
	}
	e, err := s.store.Endpoint(ctx, id)
	if err == nil {
		err = visible(ctx, e.MerchantID, what)
	}
	return e, err
}

func (s *Server) getEndpoint(ctx context.Context, in *EndpointPath) (*endpointOutput, error) {
	e, err := s.endpoint(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &endpointOutput{Body: viewEndpoint(e)}, nil
}

// alter changes an endpoint that the key can see.
func (s *Server) alter(ctx context.Context, c store.EndpointChange) (models.WebhookEndpoint, error) {
	if _, err := s.endpoint(ctx, c.ID); err != nil {
		return models.WebhookEndpoint{}, err
	}
	return s.store.ChangeEndpoint(ctx, c)
}

func (s *Server) changeEndpoint(ctx context.Context, in *changeEndpointInput) (*endpointOutput, error) {
	if _, err := s.endpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := s.checkEndpoint(in.Body.URL, in.Body.Events); err != nil {
		return nil, err
	}
	e, err := s.alter(ctx, store.EndpointChange{
		ID: in.ID, URL: in.Body.URL, Description: in.Body.Description, Events: in.Body.Events,
		Audit: audited(ctx, "webhook.change", in.Body.Reason),
	})
	if err != nil {
		return nil, err
	}
	return &endpointOutput{Body: viewEndpoint(e)}, nil
}

func (s *Server) deleteEndpoint(ctx context.Context, in *EndpointPath) (*struct{}, error) {
	_, err := s.alter(ctx, store.EndpointChange{ID: in.ID, State: models.EndpointDeleted, Audit: audited(ctx, "webhook.delete", "")})
	return nil, err
}

func (s *Server) enableEndpoint(ctx context.Context, in *endpointDeed) (*endpointOutput, error) {
	return s.switchEndpoint(ctx, in, models.EndpointEnabled, "webhook.enable")
}

func (s *Server) disableEndpoint(ctx context.Context, in *endpointDeed) (*endpointOutput, error) {
	return s.switchEndpoint(ctx, in, models.EndpointDisabled, "webhook.disable")
}

func (s *Server) switchEndpoint(ctx context.Context, in *endpointDeed, to models.EndpointState, action string) (*endpointOutput, error) {
	e, err := s.alter(ctx, store.EndpointChange{ID: in.ID, State: to, Audit: audited(ctx, action, in.Body.Reason)})
	if err != nil {
		return nil, err
	}
	return &endpointOutput{Body: viewEndpoint(e)}, nil
}

func (s *Server) rotateEndpoint(ctx context.Context, in *rotateEndpointInput) (*newEndpointOutput, error) {
	overlap := models.SecretOverlap
	if in.Body.OverlapSeconds != nil {
		overlap = time.Duration(*in.Body.OverlapSeconds) * time.Second
	}
	e, err := s.alter(ctx, store.EndpointChange{
		ID: in.ID, Rotate: true, Overlap: overlap, Audit: audited(ctx, "webhook.rotate", in.Body.Reason),
	})
	if err != nil {
		return nil, err
	}
	return &newEndpointOutput{Body: newEndpoint{Endpoint: viewEndpoint(e), Secret: e.Secret}}, nil
}
