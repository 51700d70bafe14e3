package api

import (
	"context"
	"strconv"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type exportCodesInput struct {
	BatchPath
	Label  string `query:"label" maxLength:"200" doc:"Only codes with the label. Default: all."`
	Unused bool   `query:"unused" doc:"true: only codes that got no coupon and are switched on."`
}

// exportPage is how many codes are read at once.
const exportPage = 5_000

// exportHeader is the first line of an export.
var exportHeader = []string{"code", "label", "uses", "max_uses", "active", "valid_from", "valid_until", "created_at"}

// exportCodes streams the codes of a batch as CSV. The log knows of it before the first code leaves, and then how many left.
func (s *Server) exportCodes(ctx context.Context, in *exportCodesInput) (*csvOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	record := audited(ctx, "codes.export", "")
	record.Subject, record.Detail = in.ID, map[string]any{"label": in.Label, "unused": in.Unused}
	if err := s.store.AddAudit(ctx, record); err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // the request's own time is too short for millions
	return s.csvFile(ctx, "codes-"+in.ID+".csv", exportHeader, func(put func(cells ...string) error) error {
		n, err := s.eachCode(ctx, in, put)
		record.Action, record.Detail = "codes.exported", map[string]any{"codes": n, "complete": err == nil}
		if failed := s.store.AddAudit(ctx, record); failed != nil {
			s.cfg.Log.ErrorContext(ctx, "the end of an export was not recorded", "batch_id", in.ID, "codes", n, "error", failed)
		}
		return err
	}), nil
}

// eachCode puts the codes that were asked for, page after page, and says how many those were.
func (s *Server) eachCode(ctx context.Context, in *exportCodesInput, put func(cells ...string) error) (n int, err error) {
	query := store.CodeQuery{BatchID: in.ID, Limit: exportPage}
	for {
		page, err := s.store.Codes(ctx, query)
		if err != nil {
			return n, err
		}
		for _, c := range page {
			if !in.has(c) {
				continue
			}
			n++
			if err := put(exportLine(c)...); err != nil {
				return n, err
			}
		}
		if len(page) < exportPage {
			return n, nil
		}
		query.After = page[len(page)-1].CodeKey
	}
}

func (in *exportCodesInput) has(c models.CouponCode) bool {
	return (in.Label == "" || c.Label == in.Label) && (!in.Unused || c.Active && c.Uses == 0)
}

func exportLine(c models.CouponCode) []string {
	most := ""
	if c.MaxUses != nil {
		most = strconv.FormatInt(*c.MaxUses, 10)
	}
	return []string{
		c.Display, c.Label, strconv.FormatInt(c.Uses, 10), most, strconv.FormatBool(c.Active),
		exportTime(c.ValidFrom), exportTime(c.ValidUntil), exportTime(c.CreatedAt),
	}
}

func exportTime(t models.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
