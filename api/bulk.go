package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type extendBatchInput struct {
	Keyed
	BatchPath
	Body struct {
		BulkScope
		Until   *when  `json:"until,omitempty" doc:"An instant, or a date: until its end in the batch's time zone. This or seconds. Coupons that are valid for longer stay so."`
		Seconds int64  `json:"seconds,omitempty" minimum:"0" maximum:"316224000" doc:"How much longer each is valid. This or until."`
		Expired bool   `json:"expired,omitempty" doc:"Also coupons that are over, if that makes them valid again."`
		Reason  string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log and each coupon's history."`
	}
}

type revokeBatchInput struct {
	Keyed
	BatchPath
	Body struct {
		BulkScope
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log and each coupon's history."`
	}
}

// BulkScope says which of a batch's coupons something is done to: those that fit all that is sent.
type BulkScope struct {
	Code        string   `json:"code,omitempty" maxLength:"200" doc:"Got by this code."`
	Sources     []string `json:"sources,omitempty" maxItems:"8" nullable:"false" enum:"claim,use,admin,distribution,import" doc:"Got in one of these ways."`
	IssuedFrom  *when    `json:"issued_from,omitempty" doc:"An instant, or a date: from its first instant in the batch's time zone."`
	IssuedUntil *when    `json:"issued_until,omitempty" doc:"An instant, or a date: until its end in the batch's time zone."`
}

// BulkPath names a bulk change.
type BulkPath struct {
	ID string `path:"id" maxLength:"100"`
}

type listBulksInput struct {
	PageInput
	BatchID string `query:"batch_id" required:"true" maxLength:"100"`
}

type stopBulkInput struct {
	BulkPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type bulkOutput struct {
	Status   int
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key started it."`
	Body     bulkChange
}

type bulksOutput struct{ Body page[bulkChange] }

// bulkChange is something that is done to many coupons, those that the batch had when it was asked for.
type bulkChange struct {
	ID        string           `json:"id"`
	BatchID   string           `json:"batch_id"`
	Kind      models.BulkKind  `json:"kind" enum:"extend,revoke"`
	State     models.BulkState `json:"state" enum:"RUNNING,DONE,STOPPED"`
	Progress  int64            `json:"progress" minimum:"0" maximum:"100" doc:"Percent of the batch that it has gone through."`
	Changed   int64            `json:"changed" doc:"Coupons so far."`
	Skipped   map[string]int64 `json:"skipped" doc:"How many coupons were left as they were, by state. Held ones are never revoked: ask again when the order has ended."`
	Until     *time.Time       `json:"until,omitempty"`
	Seconds   int64            `json:"seconds,omitempty"`
	CreatedAt time.Time        `json:"created_at"`
	EndedAt   *time.Time       `json:"ended_at,omitempty"`
}

func viewBulk(c models.BulkChange) bulkChange {
	v := bulkChange{
		ID: c.ID, BatchID: c.BatchID, Kind: c.Kind, State: c.State, Progress: 100, Changed: c.Changed, Skipped: map[string]int64{},
		Until: instant(c.Terms.Until), Seconds: c.Terms.Seconds, CreatedAt: c.CreatedAt.Time, EndedAt: instant(c.EndedAt),
	}
	if c.UpTo > 0 && c.State != models.BulkDone {
		v.Progress = 100 * c.Done / c.UpTo
	}
	for state, n := range c.Skipped {
		v.Skipped[string(state)] = n
	}
	return v
}

func (s *Server) bulkRoutes() []route {
	const accepted, ok = 202, 200
	return []route{
		on(s, spec{Route: "POST /v1/admin/batches/{id}/extend", Name: "extend-batch", Roles: admins, Status: accepted, Also: []int{ok},
			Summary: "Let issued coupons be valid for longer"}, s.extendBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/revoke", Name: "revoke-batch", Roles: admins, Status: accepted, Also: []int{ok},
			Summary: "Take issued coupons back"}, s.revokeBatch),
		on(s, spec{Route: "GET /v1/admin/bulk-changes", Name: "list-bulk-changes", Roles: adminRead,
			Summary: "What was done to many coupons of a batch"}, s.listBulks),
		on(s, spec{Route: "GET /v1/admin/bulk-changes/{id}", Name: "get-bulk-change", Roles: adminRead, Summary: "How far a bulk change is"}, s.getBulk),
		on(s, spec{Route: "POST /v1/admin/bulk-changes/{id}/stop", Name: "stop-bulk-change", Roles: admins, Status: ok,
			Summary: "End a bulk change where it is"}, s.stopBulk),
	}
}

func (s *Server) extendBatch(ctx context.Context, in *extendBatchInput) (*bulkOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	now, err := s.store.Now(ctx)
	if err != nil {
		return nil, err
	}
	c := newBulkCheck(row.Batch)
	terms := c.scope(in.Body.BulkScope)
	terms.Until, terms.Seconds, terms.Expired = c.end("until", in.Body.Until), in.Body.Seconds, in.Body.Expired
	switch {
	case (in.Body.Until == nil) == (in.Body.Seconds == 0):
		c.fault("until", "needs either this or seconds")
	case in.Body.Until != nil && !terms.Until.After(now):
		c.fault("until", "must be in the future")
	}
	return s.startBulk(ctx, c, store.BulkRequest{
		BatchID: row.ID, Kind: models.BulkExtend, Terms: terms, Key: in.Key, Audit: audited(ctx, "batch.extend", in.Body.Reason),
	})
}

func (s *Server) revokeBatch(ctx context.Context, in *revokeBatchInput) (*bulkOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c := newBulkCheck(row.Batch)
	return s.startBulk(ctx, c, store.BulkRequest{
		BatchID: row.ID, Kind: models.BulkRevoke, Terms: c.scope(in.Body.BulkScope), Key: in.Key, Audit: audited(ctx, "batch.revoke", in.Body.Reason),
	})
}

// bulkCheck collects what is wrong with a bulk change.
type bulkCheck struct {
	windows
	faults []Fault
}

func newBulkCheck(b models.Batch) *bulkCheck {
	c := &bulkCheck{}
	c.windows = windows{zone: b.Zone(), fault: func(path, message string) {
		c.faults = append(c.faults, Fault{Path: "body." + path, Message: message})
	}}
	return c
}

func (c *bulkCheck) scope(in BulkScope) models.BulkTerms {
	t := models.BulkTerms{Sources: in.Sources, IssuedFrom: c.start("issued_from", in.IssuedFrom), IssuedUntil: c.end("issued_until", in.IssuedUntil)}
	if in.Code != "" {
		if t.Code = models.CodeKey(in.Code); t.Code == "" {
			c.fault("code", "can't be a code")
		}
	}
	c.follows("issued_until", t.IssuedUntil, "issued_from", t.IssuedFrom)
	return t
}

// startBulk writes the change. The sweeper starts its workflow within a second or two, so it needs no Temporal now.
func (s *Server) startBulk(ctx context.Context, check *bulkCheck, r store.BulkRequest) (*bulkOutput, error) {
	if len(check.faults) > 0 {
		return nil, invalid(check.faults...)
	}
	r.Caller = keyOf(ctx).Caller
	c, replayed, err := s.store.StartBulk(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &bulkOutput{Status: 202, Replayed: replayedAs(replayed), Body: viewBulk(c)}
	if replayed {
		out.Status = 200
	}
	return out, nil
}

// visibleBulk returns a bulk change of a batch that the key can see.
func (s *Server) visibleBulk(ctx context.Context, id string) (models.BulkChange, error) {
	if err := idOf(id, models.PrefixBulk, "bulk change"); err != nil {
		return models.BulkChange{}, err
	}
	c, err := s.store.Bulk(ctx, id)
	if err == nil {
		err = s.ownBatchOf(ctx, c.BatchID, "bulk change")
	}
	return c, err
}

func (s *Server) getBulk(ctx context.Context, in *BulkPath) (*bulkOutput, error) {
	c, err := s.visibleBulk(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &bulkOutput{Status: 200, Body: viewBulk(c)}, nil
}

func (s *Server) stopBulk(ctx context.Context, in *stopBulkInput) (*bulkOutput, error) {
	c, err := s.visibleBulk(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if c, err = s.store.StopBulk(ctx, c.ID, audited(ctx, "bulk.stop", in.Body.Reason)); err != nil {
		return nil, err
	}
	return &bulkOutput{Status: 200, Body: viewBulk(c)}, nil
}

const bulkList = "bulk-changes"

func (s *Server) listBulks(ctx context.Context, in *listBulksInput) (*bulksOutput, error) {
	if err := s.ownBatch(ctx, in.BatchID); err != nil {
		return nil, err
	}
	from, err := after(in.Cursor, bulkList, models.PrefixBulk)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Bulks(ctx, in.BatchID, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &bulksOutput{Body: list[models.BulkChange, bulkChange]{
		name: bulkList, view: viewBulk, mark: func(c models.BulkChange) []string { return []string{c.ID} },
	}.page(rows, in.Limit)}, nil
}
