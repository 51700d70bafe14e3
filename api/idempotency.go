package api

import (
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const replayedHeader = "Idempotency-Replayed"

// Keyed is a request that may be sent again: the same key with the same content gets the same answer and has no further
// effect, and with another content it is idempotency_key_reused. Keys belong to the caller of the API key; a claim's key
// counts for its user and batch.
type Keyed struct {
	Key string `header:"Idempotency-Key" doc:"Your own key of this request, up to 255 printable ASCII characters. Send it again with every repeat."`
}

const maxKeyLen = 255

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
