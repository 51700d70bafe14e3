package api

import (
	"context"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
)

type auditLogInput struct {
	Subject string `query:"subject" required:"true" minLength:"1" maxLength:"200" doc:"The id of what it was done to: a batch, coupon, redemption, refund, template, key …" example:"rdm_01k9x3vdr0e9vw7a4mz0s8c1qf"`
}

type auditLogOutput struct{ Body page[auditRecord] }

// auditRecord says who did something that needs a reason.
type auditRecord struct {
	ID      string         `json:"id"`
	At      time.Time      `json:"at"`
	Actor   string         `json:"actor" doc:"The id of a key, or cli."`
	Action  string         `json:"action" example:"redemption.resolve"`
	Subject string         `json:"subject"`
	Reason  string         `json:"reason,omitempty"`
	Detail  map[string]any `json:"detail,omitempty"`
}

// audited begins a record of what the key's owner does.
func audited(ctx context.Context, action, reason string) models.AuditRecord {
	return models.AuditRecord{Actor: keyOf(ctx).ID, Action: action, Reason: reason}
}

// auditLog lists what was done to a subject, oldest first.
func (s *Server) auditLog(ctx context.Context, in *auditLogInput) (*auditLogOutput, error) {
	if err := s.visibleSubject(ctx, in.Subject); err != nil {
		return nil, err
	}
	rows, err := s.store.AuditLog(ctx, in.Subject)
	if err != nil {
		return nil, err
	}
	l := list[models.AuditRecord, auditRecord]{view: func(r models.AuditRecord) auditRecord {
		return auditRecord{ID: r.ID, At: r.At.Time, Actor: r.Actor, Action: r.Action, Subject: r.Subject, Reason: r.Reason, Detail: r.Detail}
	}}
	return &auditLogOutput{Body: l.page(rows, len(rows))}, nil
}

// visibleSubject hides from a merchant's key what was done to others' things.
func (s *Server) visibleSubject(ctx context.Context, subject string) error {
	if keyOf(ctx).MerchantID == "" {
		return nil
	}
	prefix, _, _ := strings.Cut(subject, "_")
	switch prefix {
	case models.PrefixBatch:
		return s.ownBatch(ctx, subject)
	case models.PrefixCoupon:
		return errorOf(s.visibleCoupon(ctx, subject))
	case models.PrefixBulk:
		return errorOf(s.visibleBulk(ctx, subject))
	case models.PrefixCodeJob:
		return errorOf(s.codeJob(ctx, subject))
	case models.PrefixDistribution:
		return errorOf(s.visibleDistribution(ctx, subject))
	case models.PrefixAudience:
		return errorOf(s.audience(ctx, subject))
	case models.PrefixImport:
		return errorOf(s.importOf(ctx, subject))
	case models.PrefixTemplate:
		return errorOf(s.template(ctx, subject, 0))
	case models.PrefixEndpoint:
		return errorOf(s.endpoint(ctx, subject))
	case models.PrefixRedemption:
		return errorOf(s.redemption(ctx, subject, ""))
	case models.PrefixRefund:
		return errorOf(s.visibleRefund(ctx, subject))
	default:
		return models.NewError(models.CodeNotFound, "there is no such subject")
	}
}

func errorOf[T any](_ T, err error) error { return err }
