package api

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type createCodesInput struct {
	BatchPath
	Body struct {
		Codes  []newCode `json:"codes" minItems:"1" maxItems:"1000" nullable:"false"`
		Reason string    `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

// newCode is a code as it is asked for.
type newCode struct {
	Code       string `json:"code" maxLength:"64" doc:"As people see it. They may type it in any case and width, and with spaces around it." example:"SUMMER10"`
	Label      string `json:"label,omitempty" maxLength:"200" doc:"For you: the channel or partner."`
	MaxUses    *int64 `json:"max_uses,omitempty" nullable:"true" minimum:"1" maximum:"1000000000" doc:"How many coupons a shared code gets. Default: only the batch bounds it. A single code gets one."`
	ValidFrom  *when  `json:"valid_from,omitempty" nullable:"true" doc:"An instant, or a date: from its first instant in the batch's time zone. Default: as long as the batch."`
	ValidUntil *when  `json:"valid_until,omitempty" nullable:"true" doc:"An instant, or a date: until its end in the batch's time zone. Default: as long as the batch."`
}

type listCodesInput struct {
	BatchPath
	PageInput
}

// CodePath names a code.
type CodePath struct {
	Code string `path:"code" maxLength:"1000" doc:"In any case and width." example:"SUMMER10"`
}

type changeCodeInput struct {
	CodePath
	Body codeChange
}

// codeChange changes what of it is sent.
type codeChange struct {
	Active     *bool        `json:"active,omitempty" doc:"false switches the code off."`
	Label      *string      `json:"label,omitempty" maxLength:"200" doc:"For you: the channel or partner."`
	MaxUses    field[int64] `json:"max_uses,omitzero" minimum:"1" maximum:"1000000000" doc:"null: only the batch bounds it."`
	ValidFrom  field[when]  `json:"valid_from,omitzero" doc:"null: as long as the batch."`
	ValidUntil field[when]  `json:"valid_until,omitzero" doc:"null: as long as the batch."`
	Reason     string       `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
}

// field is what a change may leave out, which changes nothing, or set to null, which takes away what was there.
type field[T any] struct {
	sent  bool
	value *T // nil: null
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *field[T]) UnmarshalJSON(raw []byte) error {
	f.sent = true
	return json.Unmarshal(raw, &f.value)
}

// MarshalJSON implements json.Marshaler, for the audit log.
func (f field[T]) MarshalJSON() ([]byte, error) { return json.Marshal(f.value) }

// IsZero reports whether nothing was sent.
func (f field[T]) IsZero() bool { return !f.sent }

// Schema implements huma.SchemaProvider.
func (field[T]) Schema(r huma.Registry) *huma.Schema {
	s := r.Schema(reflect.TypeFor[T](), false, "")
	s.Nullable = true
	return s
}

type codeOutput struct{ Body couponCode }

type codesOutput struct{ Body page[couponCode] }

// couponCode is what a person types to get a coupon.
type couponCode struct {
	Code       string          `json:"code" doc:"As people see it."`
	CodeKey    string          `json:"code_key" doc:"Normalised: two codes with the same key are the same."`
	BatchID    string          `json:"batch_id"`
	Kind       models.CodeKind `json:"kind" enum:"shared,single"`
	Label      string          `json:"label,omitempty"`
	MaxUses    *int64          `json:"max_uses" doc:"null: only the batch bounds it."`
	Uses       int64           `json:"uses" doc:"How many coupons it has got."`
	Active     bool            `json:"active" doc:"false: switched off."`
	ValidFrom  *time.Time      `json:"valid_from,omitempty" doc:"Absent: as long as the batch."`
	ValidUntil *time.Time      `json:"valid_until,omitempty" doc:"Absent: as long as the batch."`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

func viewCode(c models.CouponCode) couponCode {
	return couponCode{
		Code: c.Display, CodeKey: c.CodeKey, BatchID: c.BatchID, Kind: c.Kind, Label: c.Label, MaxUses: c.MaxUses, Uses: c.Uses,
		Active: c.Active, ValidFrom: instant(c.ValidFrom), ValidUntil: instant(c.ValidUntil),
		CreatedAt: c.CreatedAt.Time, UpdatedAt: c.UpdatedAt.Time,
	}
}

const codeList = "codes"

var codePages = list[models.CouponCode, couponCode]{
	name: codeList, view: viewCode, mark: func(c models.CouponCode) []string { return []string{c.CodeKey} },
}

func (s *Server) createCodes(ctx context.Context, in *createCodesInput) (*codesOutput, error) {
	row, err := s.batch(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	codes, err := checkCodes(row.Batch, in.Body.Codes)
	if err != nil {
		return nil, err
	}
	codes, err = s.store.CreateCodes(ctx, in.ID, codes, audited(ctx, "codes.create", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &codesOutput{Body: codePages.page(codes, len(codes))}, nil
}

func (s *Server) listCodes(ctx context.Context, in *listCodesInput) (*codesOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	query := store.CodeQuery{BatchID: in.ID, Limit: in.Limit + 1}
	parts, err := decodeCursor(in.Cursor, codeList, 1)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		if query.After = parts[0]; models.CodeKey(query.After) == "" {
			return nil, invalidCursor()
		}
	}
	codes, err := s.store.Codes(ctx, query)
	if err != nil {
		return nil, err
	}
	return &codesOutput{Body: codePages.page(codes, in.Limit)}, nil
}

func (s *Server) getCode(ctx context.Context, in *CodePath) (*codeOutput, error) {
	code, err := s.visibleCode(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	return &codeOutput{Body: viewCode(code)}, nil
}

// visibleCode returns the code that somebody typed, or CodeNotFound when the key can't see it.
func (s *Server) visibleCode(ctx context.Context, typed string) (models.CouponCode, error) {
	code, err := s.store.FindCode(ctx, typed)
	if err == nil {
		err = s.ownBatchOf(ctx, code.BatchID, "code") // not "no such batch", which would tell that there is such a code
	}
	return code, err
}

func (s *Server) changeCode(ctx context.Context, in *changeCodeInput) (*codeOutput, error) {
	code, err := s.visibleCode(ctx, in.Code)
	if err != nil {
		return nil, err
	}
	row, err := s.store.Batch(ctx, code.BatchID)
	if err != nil {
		return nil, err
	}
	change, err := checkCodeChange(row.Batch, code, in.Body)
	if err != nil {
		return nil, err
	}
	change.Audit = audited(ctx, "code.change", in.Body.Reason)
	change.Audit.Detail = in.Body.told()
	if code, err = s.store.ChangeCode(ctx, change); err != nil {
		return nil, err
	}
	return &codeOutput{Body: viewCode(code)}, nil
}
