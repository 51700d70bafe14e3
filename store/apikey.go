package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"github.com/tearoff/tearoff/models"
)

// CreateKey makes a key and returns its secret, which is not kept. k.Caller "" becomes the key's name.
func (s *Store) CreateKey(ctx context.Context, k models.APIKey) (models.APIKey, string, error) {
	secret := "tk_" + rand.Text()
	err := s.AddKey(ctx, &k, secret)
	return k, secret, err
}

// AddKey stores a key whose secret is known already; adding the same secret again changes nothing and gives the key that
// is there.
func (s *Store) AddKey(ctx context.Context, k *models.APIKey, secret string) error {
	if !k.Role.Valid() {
		return models.NewError(models.CodeInvalidRequest, "there is no role "+string(k.Role))
	}
	k.ID, k.Hash = models.NewID(models.PrefixKey), hashKey(secret)
	if k.Caller == "" {
		k.Caller = k.Name
	}
	return s.tx(ctx, func(tx *txn) error {
		var known []models.APIKey
		if err := tx.Find(&known, "hash = ?", k.Hash).Error; err != nil {
			return err
		}
		if len(known) > 0 {
			*k = known[0]
			return nil
		}
		var err error
		if k.CreatedAt, err = tx.now(); err != nil {
			return err
		}
		return tx.Create(k).Error
	})
}

// Key finds the live key of a secret, or CodeUnauthorized.
func (s *Store) Key(ctx context.Context, secret string) (models.APIKey, error) {
	var k models.APIKey
	err := notFound(s.db.WithContext(ctx).Take(&k, "hash = ? AND revoked_at IS NULL", hashKey(secret)).Error, "key")
	if models.CodeOf(err) == models.CodeNotFound {
		err = models.NewError(models.CodeUnauthorized, "the API key is not a live one")
	}
	return k, err
}

// Keys lists keys by id, revoked ones too.
func (s *Store) Keys(ctx context.Context, p Page) ([]models.APIKey, error) {
	q := s.db.WithContext(ctx).Where("id > ?", p.After)
	if p.MerchantID != "" {
		q = q.Where("merchant_id = ?", p.MerchantID)
	}
	var keys []models.APIKey
	err := q.Order("id").Limit(p.Limit).Find(&keys).Error
	return keys, asError(err)
}

// RevokeKey ends a key; again changes nothing. merchantID "" may revoke any key; another merchant's is CodeNotFound.
func (s *Store) RevokeKey(ctx context.Context, id, merchantID string) (models.APIKey, error) {
	var k models.APIKey
	err := s.tx(ctx, func(tx *txn) error {
		k = models.APIKey{} // gorm leaves a field alone whose column is NULL
		err := tx.locked().Take(&k, "id = ?", id).Error
		if err != nil {
			return notFound(err, "key")
		}
		if merchantID != "" && k.MerchantID != merchantID {
			return models.NewError(models.CodeNotFound, "there is no such key")
		}
		if !k.RevokedAt.IsZero() {
			return nil
		}
		if k.RevokedAt, err = tx.now(); err != nil {
			return err
		}
		return tx.guard(1, "UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", k.RevokedAt, id)
	})
	return k, err
}

// hashKey needs no slow hash: the secret has 130 random bits.
func hashKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
