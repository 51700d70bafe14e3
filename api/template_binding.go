package api

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

type bindTemplateInput struct {
	Kind models.MessageKind `path:"kind" enum:"issued,reminder,refund"`
	Body struct {
		MerchantID string  `json:"merchant_id,omitempty" maxLength:"100" doc:"Default: the key's merchant, or the platform itself."`
		TemplateID *string `json:"template_id" nullable:"true" maxLength:"100" doc:"null: no such messages are sent."`
		Reason     string  `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type listBindingsInput struct {
	MerchantID string `query:"merchant_id" maxLength:"100" doc:"Default: the key's merchant, or the platform itself."`
}

type bindingOutput struct{ Body templateBinding }

type bindingsOutput struct{ Body page[templateBinding] }

// templateBinding says with which template messages of a kind are made: with its newest version at the time.
type templateBinding struct {
	MerchantID string             `json:"merchant_id,omitempty"`
	Kind       models.MessageKind `json:"kind" enum:"issued,reminder,refund"`
	TemplateID *string            `json:"template_id" doc:"null: no such messages are sent."`
}

func viewBinding(b models.TemplateBinding) templateBinding {
	v := templateBinding{MerchantID: b.MerchantID, Kind: b.Kind}
	if b.TemplateID != "" {
		v.TemplateID = &b.TemplateID
	}
	return v
}

func (s *Server) bindTemplate(ctx context.Context, in *bindTemplateInput) (*bindingOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	b := models.TemplateBinding{MerchantID: merchantID, Kind: in.Kind}
	if in.Body.TemplateID != nil {
		if _, err := s.template(ctx, *in.Body.TemplateID, 0); err != nil {
			return nil, err
		}
		b.TemplateID = *in.Body.TemplateID
	}
	b, err = s.store.BindTemplate(ctx, b, audited(ctx, "template.bind", in.Body.Reason))
	return &bindingOutput{Body: viewBinding(b)}, err
}

func (s *Server) listBindings(ctx context.Context, in *listBindingsInput) (*bindingsOutput, error) {
	merchantID, err := merchantFor(ctx, in.MerchantID)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.TemplateBindings(ctx, merchantID)
	return &bindingsOutput{Body: list[models.TemplateBinding, templateBinding]{view: viewBinding}.page(rows, len(rows))}, err
}
