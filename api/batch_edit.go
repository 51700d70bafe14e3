package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type editBatchInput struct {
	BatchPath
	Body batchEdit
}

// batchEdit changes what of it is sent.
type batchEdit struct {
	Name          *string             `json:"name,omitempty" maxLength:"200"`
	ClaimFrom     field[when]         `json:"claim_from,omitzero" doc:"null: from publication."`
	ClaimUntil    field[when]         `json:"claim_until,omitzero" doc:"null: until the batch ends."`
	ValidFrom     field[when]         `json:"valid_from,omitzero" doc:"Of coupons to come. null: from the instant of issue."`
	ValidUntil    field[when]         `json:"valid_until,omitzero" doc:"Of coupons to come; those that are issued are extended by POST …/extend. null: valid_seconds counts."`
	ValidSeconds  *int64              `json:"valid_seconds,omitempty" doc:"Of coupons to come. 0: valid_until counts."`
	ClaimsPerUser *int                `json:"claims_per_user,omitempty" doc:"The most coupons a user can get. 0: no limit."`
	LimitBy       *[]models.LimitKind `json:"limit_by,omitempty" maxItems:"5" nullable:"false" doc:"Once published, whether it counts by user can change, and nothing else."`
	Caps          *models.Caps        `json:"caps,omitempty" doc:"All of them: a bound that is left out is taken away. None can be set below what is used."`
	Refunds       *models.RefundTerms `json:"refunds,omitempty" doc:"All of them."`
	Products      field[productTerms] `json:"products,omitzero" doc:"How a shop marks the products that the coupons are for. null: not at all."`
	ConfigVersion *int64              `json:"config_version,omitempty" doc:"Only if this is the batch's version still."`
	Reason        string              `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
}

type copyBatchInput struct {
	Keyed
	BatchPath
	Body struct {
		Name     *string      `json:"name,omitempty" maxLength:"200" doc:"Default: the same."`
		Quantity field[int64] `json:"quantity,omitzero" doc:"Default: the same. null: unlimited."`
		Reason   string       `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type copyBatchOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key made it."`
	Body     batch
}

type stockInput struct {
	Keyed
	BatchPath
	Body struct {
		Add    int64  `json:"add" minimum:"-1000000000" maximum:"1000000000" doc:"How many coupons more; a negative number takes away such as nobody has got." example:"100"`
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type stockOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key did it."`
	Body     batch
}

func (s *Server) batchEditRoutes() []route {
	return []route{
		on(s, spec{Route: "PATCH /v1/admin/batches/{id}", Name: "edit-batch", Roles: admins, Status: 200,
			Summary: "Change a batch for coupons and uses to come"}, s.editBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/copy", Name: "copy-batch", Roles: admins, Status: 201,
			Summary: "A draft like a batch"}, s.copyBatch),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/stock", Name: "stock-batch", Roles: admins, Status: 200,
			Summary: "Add coupons to a batch, or take away what is left"}, s.stockBatch),
	}
}

// editTries bounds how often an edit is made anew because somebody else has changed the batch meanwhile.
const editTries = 5

func (s *Server) editBatch(ctx context.Context, in *editBatchInput) (*batchOutput, error) {
	for try := 1; ; try++ {
		row, err := s.batch(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		edit, err := s.checkEdit(ctx, row, in.Body)
		if err != nil {
			return nil, err
		}
		edit.Audit = audited(ctx, "batch.edit", in.Body.Reason)
		if edit.Audit.Detail, err = told(in.Body); err != nil {
			return nil, err
		}
		row, err = s.store.EditBatch(ctx, edit)
		if err == nil {
			return &batchOutput{Body: viewBatch(row)}, nil
		}
		if models.CodeOf(err) != models.CodeStateConflict || in.Body.ConfigVersion != nil || !overtaken(err) || try == editTries {
			return nil, err
		}
	}
}

// told is what the audit log says of an edit: what was sent, without the reason and long lists.
func told(body batchEdit) (map[string]any, error) {
	body.Reason = ""
	if p := body.Products.value; p != nil {
		short := *p
		short.Products, short.Categories, short.Merchants = nil, nil, nil
		body.Products.value = &short
	}
	raw, err := json.Marshal(body)
	detail := map[string]any{}
	if err == nil {
		err = json.Unmarshal(raw, &detail)
	}
	delete(detail, "reason")
	return detail, err
}

func (s *Server) copyBatch(ctx context.Context, in *copyBatchInput) (*copyBatchOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c, err := s.creates(ctx, in.Key, audited(ctx, "batch.copy", in.Body.Reason), []any{row.ID, in.Body.Name, in.Body.Quantity.sent, in.Body.Quantity.value, in.Body.Reason})
	if err != nil {
		return nil, err
	}
	if c.made {
		row, err = s.batch(ctx, c.record.Subject)
	} else {
		row, err = s.makeCopy(ctx, row, in, c.record)
	}
	if err != nil {
		return nil, err
	}
	return &copyBatchOutput{Replayed: replayedAs(c.made), Body: viewBatch(row)}, nil
}

func (s *Server) makeCopy(ctx context.Context, row store.BatchRow, in *copyBatchInput, record models.AuditRecord) (store.BatchRow, error) {
	now, err := s.store.Now(ctx)
	if err != nil {
		return store.BatchRow{}, err
	}
	asked := asAsked(row)
	if in.Body.Name != nil {
		asked.Name = *in.Body.Name
	}
	if in.Body.Quantity.sent {
		asked.Quantity = in.Body.Quantity.value
	}
	withoutPast(&asked, row.Batch, now)
	made, err := s.checkBatch(ctx, asked, row.MerchantID, nil)
	if err != nil {
		return store.BatchRow{}, err
	}
	if made.Products = row.Products; made.Products != nil {
		made.Products = &models.ProductTags{Text: row.Products.Text, FromRule: row.Products.FromRule}
	}
	return s.store.CopyBatch(ctx, row.ID, made, asked.Quantity, record)
}

// withoutPast leaves windows out that are over; coupons then last for as long as they would have.
func withoutPast(b *newBatch, was models.Batch, now models.Time) {
	if !was.ClaimUntil.IsZero() && !was.ClaimUntil.After(now) {
		b.ClaimFrom, b.ClaimUntil = nil, nil
	}
	if was.ValidUntil.IsZero() || was.ValidUntil.After(now) {
		return
	}
	from := was.ValidFrom
	if from.IsZero() {
		from = was.CreatedAt
	}
	b.ValidFrom, b.ValidUntil = nil, nil
	if b.ValidSeconds == 0 {
		b.ValidSeconds = int64(min(maxValidSeconds, max(1, was.ValidUntil.Sub(from.Time)/time.Second)))
	}
}

func (s *Server) stockBatch(ctx context.Context, in *stockInput) (*stockOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	row, replayed, err := s.store.ChangeStock(ctx, store.StockChange{
		BatchID: in.ID, Add: in.Body.Add, Caller: keyOf(ctx).Caller, Key: in.Key, Audit: audited(ctx, "batch.stock", in.Body.Reason),
	})
	if err != nil {
		return nil, err
	}
	return &stockOutput{Replayed: replayedAs(replayed), Body: viewBatch(row)}, nil
}
