package api

import (
	"context"
	"strconv"

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
func (s *Server) distributionSkips(ctx context.Context, in *distributionSkipsInput) (*csvOutput, error) {
	d, err := s.visibleDistribution(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.DistributionSkips(ctx, d.ID, in.After, min(in.Limit, skipsAtOnce)) // before the answer says that all is well
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // a file of a million may take longer than a request has
	return s.csvFile(d.ID+"-skips.csv", []string{"position", "user_id", "reason"}, func(put func(cells ...string) error) error {
		for limit := in.Limit; len(rows) > 0; {
			if err := putSkips(rows, put); err != nil {
				return err
			}
			if limit -= len(rows); len(rows) < skipsAtOnce || limit <= 0 {
				return nil
			}
			var err error
			if rows, err = s.store.DistributionSkips(ctx, d.ID, rows[len(rows)-1].Pos, min(limit, skipsAtOnce)); err != nil {
				return err
			}
		}
		return nil
	}), nil
}

func putSkips(rows []models.DistributionSkip, put func(cells ...string) error) error {
	for _, r := range rows {
		user := ""
		if r.UserID != nil {
			user = *r.UserID
		}
		if err := put(strconv.FormatInt(r.Pos, 10), user, string(r.Reason)); err != nil {
			return err
		}
	}
	return nil
}
