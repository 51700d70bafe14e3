package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type createBatchInput struct{ Body newBatch }

// newBatch is a batch as it is asked for.
type newBatch struct {
	MerchantID    string             `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Default: the rule's merchant, which it must be."`
	RuleID        string             `json:"rule_id" maxLength:"100"`
	RuleVersion   int                `json:"rule_version,omitempty" minimum:"0" maximum:"1000000" doc:"Default: the newest."`
	Name          string             `json:"name" maxLength:"200"`
	ClaimMode     models.ClaimMode   `json:"claim_mode,omitempty" doc:"How users come by a coupon. claim: they ask for it and own it. on_use: it is issued when it is used, for a code or for the batch's id. auto: likewise, and every quote considers it. Default claim." example:"claim"`
	Codes         models.CodeKind    `json:"codes,omitempty" doc:"With claim and on_use: coupons are got by a code only. shared: many users may use a code. single: each code gets one coupon. Default: no codes." example:"shared"`
	CodeTerms     *codeTerms         `json:"code_terms,omitempty" doc:"With codes: what those look like that Tearoff makes, and when it makes more by itself."`
	Quantity      *int64             `json:"quantity,omitempty" nullable:"true" doc:"How many coupons there are. Default: unlimited."`
	Currency      models.Currency    `json:"currency,omitempty" doc:"ISO 4217 code. Only a percentage without cap, minimum or money budget can do without."`
	TimeZone      string             `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name; days are counted in it. Default UTC." example:"Europe/Berlin"`
	ClaimFrom     *when              `json:"claim_from,omitempty" nullable:"true" doc:"An instant, or a date: from its first instant in the batch's time zone. Default: from publication."`
	ClaimUntil    *when              `json:"claim_until,omitempty" nullable:"true" doc:"An instant, or a date: until its end in the batch's time zone. Default: until the batch ends."`
	ValidFrom     *when              `json:"valid_from,omitempty" nullable:"true" doc:"An instant, or a date: from its first instant in the batch's time zone. Default: from the instant of issue."`
	ValidUntil    *when              `json:"valid_until,omitempty" nullable:"true" doc:"An instant, or a date: until its end in the batch's time zone. This, valid_seconds, or both: then the earlier counts."`
	ValidSeconds  int64              `json:"valid_seconds,omitempty" doc:"Validity from the instant of issue."`
	ClaimsPerUser int                `json:"claims_per_user,omitempty" doc:"The most coupons a user can get. 0: no limit."`
	LimitBy       []models.LimitKind `json:"limit_by,omitempty" maxItems:"5" nullable:"false" doc:"By what claims_per_user tells users apart: user, email, phone, device, card. With several, all must have coupons left; who gets one must have each of these identities. Default: user." example:"[\"user\",\"email\"]"`
	Caps          models.Caps        `json:"caps,omitzero" doc:"Bounds on use: of the batch, of a user, of a user on a day."`
	Refunds       models.RefundTerms `json:"refunds,omitzero" doc:"What refunds do to coupons of the batch."`
	Notices       notices            `json:"notices,omitzero" doc:"What owners of the batch's coupons are told."`
}

// BatchPath names a batch.
type BatchPath struct {
	ID string `path:"id" maxLength:"100"`
}

type listBatchesInput struct {
	PageInput
	State models.BatchState `query:"state" enum:"DRAFT,ACTIVE,ENDED" doc:"Default: all."`
}

type changeBatchInput struct {
	BatchPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type pauseBatchInput struct {
	BatchPath
	Body struct {
		What   []string `json:"what" minItems:"1" maxItems:"4" nullable:"false" enum:"claims,use,distribution,messages" doc:"Confirmations, cancellations and refunds always go on."`
		Reason string   `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type batchOutput struct{ Body batch }

type batchesOutput struct{ Body page[batch] }

// batch is a batch with its counters.
type batch struct {
	ID            string             `json:"id"`
	MerchantID    string             `json:"merchant_id,omitempty"`
	RuleID        string             `json:"rule_id"`
	RuleVersion   int                `json:"rule_version"`
	Name          string             `json:"name"`
	State         models.BatchState  `json:"state" enum:"DRAFT,ACTIVE,ENDED"`
	Paused        []string           `json:"paused" nullable:"false" doc:"What is paused."`
	ClaimMode     models.ClaimMode   `json:"claim_mode" enum:"claim,on_use,auto"`
	Codes         models.CodeKind    `json:"codes,omitempty" enum:"shared,single" doc:"Coupons are got by a code only; absent: without one."`
	CodeTerms     *codeTerms         `json:"code_terms,omitempty" doc:"With codes: what those look like that Tearoff makes."`
	Currency      models.Currency    `json:"currency,omitempty"`
	TimeZone      string             `json:"time_zone"`
	ClaimFrom     *time.Time         `json:"claim_from,omitempty"`
	ClaimUntil    *time.Time         `json:"claim_until,omitempty"`
	ValidFrom     *time.Time         `json:"valid_from,omitempty"`
	ValidUntil    *time.Time         `json:"valid_until,omitempty"`
	ValidSeconds  int64              `json:"valid_seconds,omitempty"`
	ClaimsPerUser int                `json:"claims_per_user,omitempty"`
	LimitBy       []models.LimitKind `json:"limit_by,omitempty" nullable:"false" enum:"user,email,phone,device,card" doc:"By what claims_per_user tells users apart; absent: user."`
	Caps          models.Caps        `json:"caps"`
	Refunds       models.RefundTerms `json:"refunds,omitzero"`
	Products      *shownTags         `json:"products,omitempty" doc:"How shops mark products; GET …/products lists which. Absent: not at all."`
	ConfigVersion int64              `json:"config_version" doc:"Rises with every change."`
	Notices       notices            `json:"notices,omitzero"`
	Counters      counters           `json:"counters"`
	CreatedAt     time.Time          `json:"created_at"`
	UpdatedAt     time.Time          `json:"updated_at"`
}

// shownTags say how shops mark products.
type shownTags struct {
	Text     string     `json:"text"`
	FromRule bool       `json:"from_rule,omitempty"`
	From     *time.Time `json:"from,omitempty" doc:"Absent: when claiming begins."`
	Until    *time.Time `json:"until,omitempty" doc:"Absent: when claiming, or the validity, ends."`
}

// counters say how much of a batch is issued and used. Amounts are minor units of the batch's currency.
type counters struct {
	Quantity  *int64 `json:"quantity" doc:"null: unlimited."`
	Remaining *int64 `json:"remaining" doc:"null: unlimited."`
	Issued    int64  `json:"issued"`
	Coded     int64  `json:"coded,omitempty" doc:"Kept for single codes that are out and unused; neither issued nor remaining."`
	Faces     int64  `json:"face_amount,omitempty" doc:"What is drawn for the coupons issued, with a random_amount rule."`
	models.Usage
}

func viewBatch(r store.BatchRow) batch {
	c := counters{Quantity: r.Counter.Quantity, Issued: r.Counter.Issued, Coded: r.Counter.Coded, Faces: r.Counter.FaceAmount, Usage: r.Counter.Usage}
	if c.Quantity != nil {
		c.Remaining = &r.Counter.Remaining
	}
	var products *shownTags
	if p := r.Products; p != nil {
		products = &shownTags{Text: p.Text, FromRule: p.FromRule, From: instant(p.From), Until: instant(p.Until)}
	}
	return batch{
		Products: products, ConfigVersion: r.Counter.ConfigVersion,
		ID: r.ID, MerchantID: r.MerchantID, RuleID: r.RuleID, RuleVersion: r.RuleVersion, Name: r.Name, State: r.Counter.State,
		Paused: r.Counter.Paused.Words(), ClaimMode: r.ClaimMode, Codes: r.Codes, CodeTerms: viewCodeTerms(r.Batch), Currency: r.Currency, TimeZone: r.TimeZone,
		ClaimFrom: instant(r.ClaimFrom), ClaimUntil: instant(r.ClaimUntil), ValidFrom: instant(r.ValidFrom), ValidUntil: instant(r.ValidUntil),
		ValidSeconds: r.ValidSeconds, ClaimsPerUser: r.ClaimsPerUser, LimitBy: r.LimitBy, Caps: r.Caps, Refunds: r.Refunds, Counters: c,
		Notices:   viewNotices(r.Notices),
		CreatedAt: r.CreatedAt.Time, UpdatedAt: r.UpdatedAt.Time,
	}
}

func (s *Server) createBatch(ctx context.Context, in *createBatchInput) (*batchOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	b, err := s.checkBatch(ctx, in.Body, merchantID, nil)
	if err != nil {
		return nil, err
	}
	row, err := s.store.CreateBatch(ctx, b, in.Body.Quantity)
	if err != nil {
		return nil, err
	}
	return &batchOutput{Body: viewBatch(row)}, nil
}

func (s *Server) getBatch(ctx context.Context, in *BatchPath) (*batchOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &batchOutput{Body: viewBatch(row)}, nil
}

// batch returns one that the key can see.
func (s *Server) batch(ctx context.Context, id string) (store.BatchRow, error) {
	if err := s.ownBatch(ctx, id); err != nil {
		return store.BatchRow{}, err
	}
	return s.store.Batch(ctx, id)
}

const batchList = "batches"

func (s *Server) listBatches(ctx context.Context, in *listBatchesInput) (*batchesOutput, error) {
	start, err := after(in.Cursor, batchList, models.PrefixBatch)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Batches(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1}, in.State)
	if err != nil {
		return nil, err
	}
	l := list[store.BatchRow, batch]{name: batchList, view: viewBatch, mark: func(r store.BatchRow) []string { return []string{r.ID} }}
	return &batchesOutput{Body: l.page(rows, in.Limit)}, nil
}

func (s *Server) publishBatch(ctx context.Context, in *changeBatchInput) (*batchOutput, error) {
	return s.changeBatch(ctx, store.BatchChange{BatchID: in.ID, To: models.BatchActive, Audit: audited(ctx, "batch.publish", in.Body.Reason)})
}

func (s *Server) endBatch(ctx context.Context, in *changeBatchInput) (*batchOutput, error) {
	return s.changeBatch(ctx, store.BatchChange{BatchID: in.ID, To: models.BatchEnded, Audit: audited(ctx, "batch.end", in.Body.Reason)})
}

func (s *Server) pauseBatch(ctx context.Context, in *pauseBatchInput) (*batchOutput, error) {
	what, err := models.ParsePauseSet(in.Body.What)
	if err != nil {
		return nil, err
	}
	record := audited(ctx, "batch.pause", in.Body.Reason)
	record.Detail = map[string]any{"what": in.Body.What}
	return s.changeBatch(ctx, store.BatchChange{BatchID: in.ID, Pause: what, Audit: record})
}

func (s *Server) resumeBatch(ctx context.Context, in *pauseBatchInput) (*batchOutput, error) {
	what, err := models.ParsePauseSet(in.Body.What)
	if err != nil {
		return nil, err
	}
	record := audited(ctx, "batch.resume", in.Body.Reason)
	record.Detail = map[string]any{"what": in.Body.What}
	return s.changeBatch(ctx, store.BatchChange{BatchID: in.ID, Resume: what, Audit: record})
}

func (s *Server) changeBatch(ctx context.Context, change store.BatchChange) (*batchOutput, error) {
	if err := s.ownBatch(ctx, change.BatchID); err != nil {
		return nil, err
	}
	row, err := s.store.ChangeBatch(ctx, change)
	if err != nil {
		return nil, err
	}
	return &batchOutput{Body: viewBatch(row)}, nil
}
