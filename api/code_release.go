package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/store"
)

type releaseCodesInput struct {
	BatchPath
	Body struct {
		Label   *string `json:"label,omitempty" maxLength:"200" doc:"Only codes with the label. Default: whatever it is."`
		Expired bool    `json:"expired,omitempty" doc:"true: only codes whose own validity is over."`
		Reason  string  `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type releaseCodesOutput struct {
	Body struct {
		Released int  `json:"released" doc:"How many codes were switched off; each gave a coupon back to the batch."`
		Done     bool `json:"done" doc:"false: time was up; ask again for the others."`
	}
}

// releaseCodes gives up unused single codes, slice by slice, as long as the request has time.
func (s *Server) releaseCodes(ctx context.Context, in *releaseCodesInput) (*releaseCodesOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	r := store.CodeRelease{
		BatchID: in.ID, Label: in.Body.Label, Expired: in.Body.Expired, Audit: audited(ctx, "codes.release", in.Body.Reason),
	}
	out := &releaseCodesOutput{}
	for until := time.Now().Add(s.cfg.Timeout / 2); time.Now().Before(until); {
		n, next, err := s.store.ReleaseCodes(ctx, r)
		if err != nil {
			return nil, err
		}
		out.Body.Released += n
		if r.After = next; next == "" {
			out.Body.Done = true
			break
		}
	}
	return out, nil
}
