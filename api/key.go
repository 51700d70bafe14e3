package api

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type createKeyInput struct {
	Body struct {
		Name       string      `json:"name" minLength:"1" maxLength:"100" pattern:"^\\S(.*\\S)?$"`
		Role       models.Role `json:"role" enum:"admin,server,storefront,support"`
		MerchantID string      `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"The key sees and touches what is this merchant's. Default: the creating key's merchant; a key of the platform sees all."`
		Caller     string      `json:"caller,omitempty" maxLength:"100" pattern:"^([^\\s/]([^/]*[^\\s/])?)?$" doc:"The scope of idempotency keys and order ids: keys of one service share it. Default: the name."`
		Reason     string      `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log."`
	}
}

type revokeKeyInput struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type newKeyOutput struct{ Body newKey }

type newKey struct {
	Key
	Secret string `json:"secret" doc:"Shown only here: Authorization: Bearer <secret>." example:"tk_…"`
}

type keyOutput struct{ Body Key }

type keysOutput struct{ Body page[Key] }

// Key is a key without its secret, which nobody has but its owner.
type Key struct {
	ID         string      `json:"id"`
	Name       string      `json:"name"`
	Role       models.Role `json:"role"`
	MerchantID string      `json:"merchant_id,omitempty"`
	Caller     string      `json:"caller"`
	CreatedAt  time.Time   `json:"created_at"`
	RevokedAt  *time.Time  `json:"revoked_at,omitempty"`
}

func viewKey(k models.APIKey) Key {
	return Key{
		ID: k.ID, Name: k.Name, Role: k.Role, MerchantID: k.MerchantID, Caller: k.Caller,
		CreatedAt: k.CreatedAt.Time, RevokedAt: instant(k.RevokedAt),
	}
}

func (s *Server) createKey(ctx context.Context, in *createKeyInput) (*newKeyOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	caller, err := callerOf(merchantID, in.Body.Caller, in.Body.Name)
	if err != nil {
		return nil, err
	}
	key, secret, err := s.store.CreateKey(ctx, models.APIKey{Name: in.Body.Name, Role: in.Body.Role, MerchantID: merchantID, Caller: caller})
	if err != nil {
		return nil, err
	}
	record := audited(ctx, "key.create", in.Body.Reason)
	record.Subject, record.Detail = key.ID, map[string]any{"role": key.Role, "merchant_id": key.MerchantID}
	if err := s.store.AddAudit(ctx, record); err != nil {
		return nil, err
	}
	return &newKeyOutput{Body: newKey{Key: viewKey(key), Secret: secret}}, nil
}

const maxCallerLen = 100

// callerOf is the key's caller, if it is not too long.
func callerOf(merchantID, asked, name string) (string, error) {
	caller := models.KeyCaller(merchantID, asked, name)
	if utf8.RuneCountInString(caller) > maxCallerLen {
		return "", invalid(Fault{Path: "body.caller", Message: "is too long together with the merchant's id"})
	}
	return caller, nil
}

func (s *Server) revokeKey(ctx context.Context, in *revokeKeyInput) (*keyOutput, error) {
	if err := idOf(in.ID, models.PrefixKey, "key"); err != nil {
		return nil, err
	}
	key, err := s.store.RevokeKey(ctx, in.ID, keyOf(ctx).MerchantID)
	if err != nil {
		return nil, err
	}
	record := audited(ctx, "key.revoke", in.Body.Reason)
	record.Subject = key.ID
	if err := s.store.AddAudit(ctx, record); err != nil {
		return nil, err
	}
	return &keyOutput{Body: viewKey(key)}, nil
}

const keyList = "keys"

func (s *Server) listKeys(ctx context.Context, in *PageInput) (*keysOutput, error) {
	start, err := after(in.Cursor, keyList, models.PrefixKey)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Keys(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.APIKey, Key]{name: keyList, view: viewKey, mark: func(k models.APIKey) []string { return []string{k.ID} }}
	return &keysOutput{Body: l.page(rows, in.Limit)}, nil
}
