package api

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
)

// skipsAtOnce is how many rows are read at a time: a file of a million takes no more memory than a short one.
const skipsAtOnce = 5_000

type distributionSkipsInput struct {
	DistributionPath
	After int64 `query:"after" default:"-1" minimum:"-1" doc:"Only users after this position of the audience. Positions begin with 0."`
	Limit int   `query:"limit" default:"1000000" minimum:"1" maximum:"1000000" doc:"The most rows."`
}

// distributionSkips streams who got nothing and why. The file holds ids of Tearoff alone.
func (s *Server) distributionSkips(ctx context.Context, in *distributionSkipsInput) (*huma.StreamResponse, error) {
	d, err := s.visibleDistribution(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	first, err := s.store.DistributionSkips(ctx, d.ID, in.After, min(in.Limit, skipsAtOnce)) // before the answer says that all is well
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "text/csv; charset=utf-8")
		c.SetHeader("Content-Disposition", `attachment; filename="`+d.ID+`-skips.csv"`)
		if err := s.writeSkips(context.WithoutCancel(c.Context()), c.BodyWriter(), d.ID, first, in.Limit); err != nil {
			s.cfg.Log.WarnContext(c.Context(), "a file broke off", "distribution_id", d.ID, "request_id", callOf(ctx).id, "error", err)
		}
	}}, nil
}

// writeSkips ends when all rows are written, or the client takes no more: a file of a million may take longer than a request has.
func (s *Server) writeSkips(ctx context.Context, to io.Writer, id string, rows []models.DistributionSkip, limit int) error {
	w := csv.NewWriter(to)
	if err := w.Write([]string{"position", "user_id", "reason"}); err != nil {
		return err
	}
	for len(rows) > 0 {
		last := int64(0)
		for _, r := range rows {
			user := ""
			if r.UserID != nil {
				user = *r.UserID
			}
			last = r.Pos
			if err := w.Write([]string{strconv.FormatInt(r.Pos, 10), user, string(r.Reason)}); err != nil {
				return err
			}
		}
		if w.Flush(); w.Error() != nil || len(rows) < skipsAtOnce || len(rows) >= limit {
			return w.Error()
		}
		limit -= len(rows)
		var err error
		if rows, err = s.store.DistributionSkips(ctx, id, last, min(limit, skipsAtOnce)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}
