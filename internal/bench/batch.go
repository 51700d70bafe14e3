package bench

import (
	"context"
	"fmt"

	"github.com/tearoff/tearoff/models"
)

// currency of everything.
const currency = "USD"

// batchSpec is what matters of a batch.
type batchSpec struct {
	merchant string
	mode     models.ClaimMode // "": claim
	quantity int64            // 0: unlimited
	caps     *models.Caps
	rule     string // its content; "": 5 USD off
}

const fiveOff = `{"kind":"amount_off","amount_off":{"amount":500}}`

// batch makes a batch that is open and returns its id.
func (e *env) batch(ctx context.Context, spec batchSpec) (string, error) {
	type made struct {
		ID string `json:"id"`
	}
	if spec.rule == "" {
		spec.rule = fiveOff
	}
	rule, err := call[made](ctx, e.admin, "/v1/admin/rules", map[string]any{
		"merchant_id": spec.merchant, "name": "bench", "content": rawJSON(spec.rule),
	})
	if err != nil {
		return "", err
	}
	body := map[string]any{
		"merchant_id": spec.merchant, "rule_id": rule.ID, "name": "bench", "currency": currency, "time_zone": "UTC", "valid_seconds": 86400,
	}
	if spec.mode != "" {
		body["claim_mode"] = spec.mode
	}
	if spec.quantity > 0 {
		body["quantity"] = spec.quantity
	}
	if spec.caps != nil {
		body["caps"] = spec.caps
	}
	b, err := call[made](ctx, e.admin, "/v1/admin/batches", body)
	if err != nil {
		return "", err
	}
	_, err = call[made](ctx, e.admin, "/v1/admin/batches/"+b.ID+"/publish", map[string]any{"reason": "bench"})
	return b.ID, err
}

// counters is what a batch's books say.
type counters struct {
	Issued int64 `json:"issued"`
	Used   int64 `json:"used_count"`
}

// checkBatch is a job's check: what was answered must be in the books.
func (e *env) checkBatch(batchID string, of func(counters) int64) func(context.Context, int64) error {
	return func(ctx context.Context, done int64) error {
		b, err := call[struct {
			Counters counters `json:"counters"`
		}](ctx, e.admin, "/v1/admin/batches/"+batchID, nil)
		if err != nil {
			return err
		}
		return sameCount(done, of(b.Counters))
	}
}

func sameCount(answered, written int64) error {
	if answered != written {
		return fmt.Errorf("%d were answered, and %d are in the books", answered, written)
	}
	return nil
}

// rawJSON is JSON that is sent as it is.
type rawJSON string

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }
