package api

import (
	"context"
	"strconv"
)

type distributionSkipsInput struct {
	DistributionPath
	After int64 `query:"after" default:"-1" minimum:"-1" doc:"Only users after this position of the audience. Positions begin with 0."`
}

// distributionSkips streams who got nothing and why. The file holds ids of Tearoff alone.
func (s *Server) distributionSkips(ctx context.Context, in *distributionSkipsInput) (*csvOutput, error) {
	d, err := s.visibleDistribution(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // a file of a million may take longer than a request has; putting a row fails when nobody reads
	return s.csvFile(ctx, d.ID+"-skips.csv", []string{"position", "user_id", "reason"}, func(put func(cells ...string) error) error {
		for last := in.After; ; {
			rows, err := s.store.DistributionSkips(ctx, d.ID, last, csvSlice)
			if err != nil || len(rows) == 0 {
				return err
			}
			for _, r := range rows {
				user := ""
				if r.UserID != nil {
					user = *r.UserID
				}
				if err := put(strconv.FormatInt(r.Pos, 10), user, string(r.Reason)); err != nil {
					return err
				}
				last = r.Pos
			}
		}
	}), nil
}
