package api

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/tearoff/tearoff/models"
)

const (
	// keyFresh is how long a key that was found is not looked for again: a revoked one may work for that long.
	keyFresh     = time.Second
	maxSecretLen = 200
)

// roles are those whose keys may use a route.
type roles []models.Role

// authorise lets only live keys with one of the roles through.
func (s *Server) authorise(allowed roles) func(ctx huma.Context, next func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		c := callOf(ctx.Context())
		var err error
		if c.key, err = s.key(ctx.Context(), ctx.Header("Authorization")); err == nil && !slices.Contains(allowed, c.key.Role) {
			err = models.NewError(models.CodeForbidden, "the key's role does not allow this").With("role", c.key.Role)
		}
		if err != nil {
			s.refuse(humagin.Unwrap(ctx), err)
			return
		}
		next(ctx)
	}
}

func (s *Server) key(ctx context.Context, authorization string) (models.APIKey, error) {
	scheme, secret, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > maxSecretLen {
		return models.APIKey{}, models.NewError(models.CodeUnauthorized, "send an API key: Authorization: Bearer tk_…")
	}
	return s.keys.get(sha256.Sum256([]byte(secret)), func() (models.APIKey, error) { return s.store.Key(ctx, secret) })
}

// keyOf is the key that the request was sent with.
func keyOf(ctx context.Context) models.APIKey { return callOf(ctx).key }

// visible hides what belongs to another merchant than the key's.
func visible(ctx context.Context, merchantID, what string) error {
	if key := keyOf(ctx); key.MerchantID != "" && key.MerchantID != merchantID {
		return models.NewError(models.CodeNotFound, "there is no such "+what)
	}
	return nil
}

// merchantFor is whose a new thing will be: the key's merchant, or for a key of the platform the one that was asked for.
func merchantFor(ctx context.Context, asked string) (string, error) {
	switch key := keyOf(ctx); {
	case key.MerchantID == "" || key.MerchantID == asked:
		return asked, nil
	case asked == "":
		return key.MerchantID, nil
	default:
		return "", models.NewError(models.CodeForbidden, "the key is another merchant's")
	}
}

// ownBatch turns away an unknown batch, or one that the key can't see. It hardly ever asks the store: a batch stays its
// merchant's.
func (s *Server) ownBatch(ctx context.Context, batchID string) error {
	if err := idOf(batchID, models.PrefixBatch, "batch"); err != nil {
		return err
	}
	merchantID, err := s.owners.get(batchID, func() (string, error) {
		b, err := s.store.Batch(ctx, batchID)
		return b.MerchantID, err
	})
	if err != nil {
		return err
	}
	return visible(ctx, merchantID, "batch")
}

// ownBatchOf is ownBatch for what belongs to the batch: to a key that can't see the batch, there is no such thing.
func (s *Server) ownBatchOf(ctx context.Context, batchID, what string) error {
	err := s.ownBatch(ctx, batchID)
	if models.CodeOf(err) == models.CodeNotFound {
		return models.NewError(models.CodeNotFound, "there is no such "+what)
	}
	return err
}

// idOf turns away what can't be an id of ours before anything is asked.
func idOf(id, prefix, what string) error {
	if !models.IsID(id, prefix) {
		return models.NewError(models.CodeNotFound, "there is no such "+what)
	}
	return nil
}
