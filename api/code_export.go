package api

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type exportCodesInput struct {
	BatchPath
	Label  string `query:"label" maxLength:"200" doc:"Only codes with the label. Default: all."`
	Unused bool   `query:"unused" doc:"true: only codes that got no coupon and are switched on."`
}

const (
	exportPage   = 5_000            // codes of one read
	exportWithin = 30 * time.Second // how long a client may take for a page
)

// exportHeader is the first line of an export.
var exportHeader = []string{"code", "label", "uses", "max_uses", "active", "valid_from", "valid_until", "created_at"}

// exportCodes streams the codes of a batch as CSV. The log knows of it before the first code leaves, and then how many left.
func (s *Server) exportCodes(ctx context.Context, in *exportCodesInput) (*huma.StreamResponse, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	record := audited(ctx, "codes.export", "")
	record.Subject, record.Detail = in.ID, map[string]any{"label": in.Label, "unused": in.Unused}
	if err := s.store.AddAudit(ctx, record); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "text/csv; charset=utf-8")
		hc.SetHeader("Content-Disposition", `attachment; filename="codes-`+in.ID+`.csv"`)
		n, err := s.writeCodes(hc, in)
		if err != nil { // the client sees that the answer ends early
			s.cfg.Log.WarnContext(ctx, "an export of codes ended early", "batch_id", in.ID, "request_id", callOf(ctx).id, "codes", n, "error", err)
		}
		record.Action, record.Detail = "codes.exported", map[string]any{"codes": n, "complete": err == nil}
		if err := s.store.AddAudit(context.WithoutCancel(ctx), record); err != nil {
			s.cfg.Log.ErrorContext(ctx, "the end of an export was not recorded", "batch_id", in.ID, "codes", n, "error", err)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // else it would look whole
		}
	}}, nil
}

// writeCodes writes page after page: the request's own time is too short for millions, so each page has its own.
func (s *Server) writeCodes(hc huma.Context, in *exportCodesInput) (n int, err error) {
	ctx := context.WithoutCancel(hc.Context())
	writer := csv.NewWriter(hc.BodyWriter())
	control := http.NewResponseController(humagin.Unwrap(hc).Writer)
	if err := writer.Write(exportHeader); err != nil {
		return 0, err
	}
	query := store.CodeQuery{BatchID: in.ID, Limit: exportPage}
	for {
		page, err := s.store.Codes(ctx, query)
		if err != nil {
			return n, err
		}
		if err := control.SetWriteDeadline(time.Now().Add(exportWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return n, err
		}
		for _, c := range page {
			if in.has(c) {
				n++
				if err := writer.Write(exportLine(c)); err != nil {
					return n, err
				}
			}
		}
		if writer.Flush(); writer.Error() != nil || len(page) < exportPage {
			return n, writer.Error()
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
		safeCell(c.Display), safeCell(c.Label), strconv.FormatInt(c.Uses, 10), most, strconv.FormatBool(c.Active),
		exportTime(c.ValidFrom), exportTime(c.ValidUntil), exportTime(c.CreatedAt),
	}
}

func exportTime(t models.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// safeCell keeps a spreadsheet from taking a text for a formula.
func safeCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
