package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
)

const replayedHeader = "Idempotency-Replayed"

// Keyed is a request that may be sent again: the same key with the same content gets the same answer and has no further
// effect, and with another content it is idempotency_key_reused. Keys belong to the caller of the API key; a claim's key
// counts for its user and batch.
type Keyed struct {
	Key string `header:"Idempotency-Key" doc:"Your own key of this request, up to 255 printable ASCII characters. Send it again with every repeat."`
}

const maxKeyLen = 255

// creation is a request that makes something: the record of it, by which a repeat finds what was made.
type creation struct {
	record models.AuditRecord
	made   bool // an earlier request with the key has made record.Subject
}

// requestDetail is the detail of a record that holds the hash of what its request said.
const requestDetail = "request"

// creates begins a creation. The same key with another content is CodeIdempotencyKeyReused.
func (s *Server) creates(ctx context.Context, key string, record models.AuditRecord, content any) (creation, error) {
	if key == "" {
		return creation{record: record}, nil
	}
	raw, err := json.Marshal(content)
	if err != nil {
		return creation{}, err
	}
	record.ID = models.DerivedID(models.PrefixAudit, record.Action, keyOf(ctx).Caller, key)
	record = record.With(requestDetail, models.Hash(string(raw)))
	before, made, err := s.store.Recorded(ctx, record.ID)
	switch {
	case err != nil || !made:
		return creation{record: record}, err
	case before.Detail[requestDetail] != record.Detail[requestDetail]:
		return creation{}, models.NewError(models.CodeIdempotencyKeyReused, "the key was used before with another content").With("id", before.Subject)
	default:
		return creation{record: before, made: true}, nil
	}
}

// Resolve implements huma.Resolver.
func (k *Keyed) Resolve(huma.Context) []error {
	if len(k.Key) <= maxKeyLen && strings.TrimSpace(k.Key) == k.Key && !strings.ContainsFunc(k.Key, notPrintable) {
		return nil
	}
	return []error{&huma.ErrorDetail{
		Location: "header.Idempotency-Key", Message: fmt.Sprintf("must be up to %d printable ASCII characters without spaces around", maxKeyLen),
	}}
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

// replayedAs is the value of the header that marks a repeated answer.
func replayedAs(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}
