package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type replayEndpointInput struct {
	EndpointPath
	Body struct {
		Since  time.Time `json:"since" doc:"Of the last 30 days. Events that it subscribes to and that nobody listened to when they happened are not known."`
		Reason string    `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

// DeliveryPath names an event on its way to an endpoint.
type DeliveryPath struct {
	EndpointPath
	EventID string `path:"event_id" maxLength:"100" example:"evt_01k9x3vdr0e9vw7a4mz0s8c1qf"`
}

type deliveryDeed struct {
	DeliveryPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type listDeliveriesInput struct {
	EndpointPath
	State models.DeliveryState `query:"state" enum:"PENDING,DELIVERED,GIVEN_UP" doc:"Default: all."`
	PageInput
}

type deliveryOutput struct{ Body Delivery }

type deliveriesOutput struct{ Body page[Delivery] }

type fullDeliveryOutput struct{ Body fullDelivery }

// Delivery is an event on its way to an endpoint, with its newest attempt.
type Delivery struct {
	EventID    string                 `json:"event_id"`
	Type       models.EventType       `json:"type" example:"coupon.claimed"`
	Subject    string                 `json:"subject" doc:"The id whose events are sent one after the other."`
	SubjectSeq int64                  `json:"subject_seq"`
	State      models.DeliveryState   `json:"state" enum:"PENDING,DELIVERED,GIVEN_UP"`
	Attempts   int                    `json:"attempts"`
	DueAt      *time.Time             `json:"due_at,omitempty" doc:"When it is tried next, if no earlier event of its subject is left."`
	TriedAt    *time.Time             `json:"tried_at,omitempty"`
	Status     int                    `json:"status,omitempty" doc:"The HTTP status of the newest attempt; absent: none came."`
	DurationMS int64                  `json:"duration_ms,omitempty"`
	Failure    models.DeliveryFailure `json:"failure,omitempty" enum:"url,name,address,connect,tls,timeout,broken,redirect,status" doc:"What was wrong with the newest attempt."`
	CreatedAt  time.Time              `json:"created_at"`
	EndedAt    *time.Time             `json:"ended_at,omitempty"`
}

type fullDelivery struct {
	Delivery
	Event models.Event `json:"event" doc:"What is sent."`
}

func viewDelivery(d models.WebhookDelivery) Delivery {
	return Delivery{
		EventID: d.EventID, Type: d.Type, Subject: d.Subject, SubjectSeq: d.SubjectSeq, State: d.State, Attempts: d.Attempts,
		DueAt: instant(d.DueAt), TriedAt: instant(d.TriedAt), Status: d.Status, DurationMS: d.DurationMS, Failure: d.Failure,
		CreatedAt: d.CreatedAt.Time, EndedAt: instant(d.EndedAt),
	}
}

func (s *Server) testEndpoint(ctx context.Context, in *endpointDeed) (*deliveryOutput, error) {
	if _, err := s.endpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	d, err := s.store.PingEndpoint(ctx, in.ID, audited(ctx, "webhook.test", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &deliveryOutput{Body: viewDelivery(d)}, nil
}

func (s *Server) replayEndpoint(ctx context.Context, in *replayEndpointInput) (*endpointOutput, error) {
	if _, err := s.endpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	e, err := s.store.ReplayEvents(ctx, in.ID, models.NewTime(in.Body.Since), audited(ctx, "webhook.replay", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &endpointOutput{Body: viewEndpoint(e)}, nil
}

const deliveryList = "webhook-deliveries"

func (s *Server) listDeliveries(ctx context.Context, in *listDeliveriesInput) (*deliveriesOutput, error) {
	if _, err := s.endpoint(ctx, in.ID); err != nil {
		return nil, err
	}
	before, err := after(in.Cursor, deliveryList, models.PrefixEvent)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Deliveries(ctx, store.DeliveryQuery{EndpointID: in.ID, State: in.State, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.WebhookDelivery, Delivery]{
		name: deliveryList, view: viewDelivery, mark: func(d models.WebhookDelivery) []string { return []string{d.EventID} },
	}
	return &deliveriesOutput{Body: l.page(rows, in.Limit)}, nil
}

// visibleDelivery turns away what the key can't see, or what can't be an event.
func (s *Server) visibleDelivery(ctx context.Context, p DeliveryPath) error {
	if _, err := s.endpoint(ctx, p.ID); err != nil {
		return err
	}
	return idOf(p.EventID, models.PrefixEvent, "delivery")
}

func (s *Server) getDelivery(ctx context.Context, in *DeliveryPath) (*fullDeliveryOutput, error) {
	if err := s.visibleDelivery(ctx, *in); err != nil {
		return nil, err
	}
	d, err := s.store.Delivery(ctx, in.ID, in.EventID)
	if err != nil {
		return nil, err
	}
	return &fullDeliveryOutput{Body: fullDelivery{viewDelivery(d.WebhookDelivery), d.Event}}, nil
}

func (s *Server) replayDelivery(ctx context.Context, in *deliveryDeed) (*deliveryOutput, error) {
	if err := s.visibleDelivery(ctx, in.DeliveryPath); err != nil {
		return nil, err
	}
	d, err := s.store.ReplayDelivery(ctx, in.ID, in.EventID, audited(ctx, "webhook.replay", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &deliveryOutput{Body: viewDelivery(d)}, nil
}
