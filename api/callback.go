package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
)

type callbackInput struct {
	Provider string `path:"provider" maxLength:"32"`
	RawBody  []byte
	header   http.Header
}

// Resolve implements huma.Resolver: a provider signs its headers too.
func (in *callbackInput) Resolve(ctx huma.Context) []error {
	in.header = http.Header{}
	ctx.EachHeader(in.header.Add)
	in.header.Del("Authorization")
	return nil
}

// callback takes a call that came with a key.
func (s *Server) callback(ctx context.Context, in *callbackInput) (*struct{}, error) {
	if keyOf(ctx).MerchantID != "" {
		return nil, models.NewError(models.CodeForbidden, "a provider reports for every merchant, with a key of the platform")
	}
	if s.cfg.Callbacks == nil {
		return nil, errNoProvider()
	}
	return nil, s.called(ctx, in)
}

// webhook takes a call without a key, of a provider that signs.
func (s *Server) webhook(ctx context.Context, in *callbackInput) (*struct{}, error) {
	if s.cfg.Callbacks == nil || !s.cfg.Callbacks.Signed(in.Provider) {
		return nil, errNoProvider()
	}
	return nil, s.called(ctx, in)
}

func errNoProvider() error {
	return models.NewError(models.CodeNotFound, "there is no such payment provider")
}

// called stores that a provider reported, before it is answered, and wakes the redemption or the refund. What became of the
// money is not taken from the call: the workflow asks the provider.
func (s *Server) called(ctx context.Context, in *callbackInput) error {
	call, err := s.cfg.Callbacks.Callback(ctx, in.Provider, bytes.Clone(in.RawBody), in.header)
	if err != nil || call.Payment == "" {
		return err
	}
	if call.Refund != "" {
		err = s.refundCalled(ctx, in.Provider, call)
	} else {
		err = s.paymentCalled(ctx, in.Provider, call)
	}
	if call.Foreign && models.CodeOf(err) == models.CodeNotFound {
		return nil
	}
	return err
}

func (s *Server) paymentCalled(ctx context.Context, provider string, call models.ProviderCall) error {
	step, err := s.store.RecordCallback(ctx, provider, call)
	if err == nil && step.Proceed {
		s.wakeUp(ctx, step.Redemption.ID)
	}
	return err
}

func (s *Server) refundCalled(ctx context.Context, provider string, call models.ProviderCall) error {
	called, err := s.store.RecordRefundCallback(ctx, provider, call)
	for _, r := range called {
		s.wakeRefund(ctx, r.ID)
	}
	return err
}
