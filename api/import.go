package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

func (s *Server) importRoutes() []route {
	const ok = http.StatusOK
	return []route{
		on(s, spec{Route: "POST /v1/admin/imports", Name: "create-import", Roles: admins, Status: http.StatusCreated,
			Summary: "Begin to import a file"}, s.createImport),
		on(s, spec{Route: "PUT /v1/admin/imports/{id}/rows", Name: "import-rows", Roles: admins, Status: ok, Takes: csvType,
			Summary: "Send the file, of any length; again as a whole if it broke off"}, s.importRows),
		on(s, spec{Route: "GET /v1/admin/imports", Name: "list-imports", Roles: adminRead, Summary: "Imports"}, s.listImports),
		on(s, spec{Route: "GET /v1/admin/imports/{id}", Name: "get-import", Roles: adminRead, Summary: "How far an import is"}, s.getImport),
		on(s, spec{Route: "GET /v1/admin/imports/{id}/faults.csv", Name: "get-import-faults", Roles: adminRead, Gives: csvType,
			Summary: "The rows of an import that had no effect, and why"}, s.importFaults),
		on(s, spec{Route: "POST /v1/admin/imports/{id}/cancel", Name: "cancel-import", Roles: admins, Status: ok,
			Summary: "Take no more rows of an import; what was applied stays"}, s.cancelImport),
	}
}

type createImportInput struct {
	Keyed
	Body struct {
		MerchantID string               `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Default: the key's merchant."`
		Kind       models.ImportKind    `json:"kind" enum:"users,audience,codes" doc:"users: users with profile and tags. audience: members of a list. codes: codes of a batch."`
		Target     string               `json:"target,omitempty" maxLength:"100" doc:"With audience: its id. With codes: the batch's."`
		Options    models.ImportOptions `json:"options,omitzero"`
		Reason     string               `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log."`
	}
}

type importOutput struct{ Body Import }

type newImportOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key made it."`
	Body     Import
}

type importsOutput struct{ Body page[Import] }

// Import is a file of rows, and how far it is.
type Import struct {
	ID         string               `json:"id"`
	MerchantID string               `json:"merchant_id,omitempty"`
	Kind       models.ImportKind    `json:"kind" enum:"users,audience,codes"`
	Target     string               `json:"target,omitempty"`
	Options    models.ImportOptions `json:"options,omitzero"`
	Columns    []string             `json:"columns" nullable:"false" doc:"Of the file; empty until its first row has come."`
	State      models.ImportState   `json:"state" enum:"OPEN,DONE,CANCELLED"`
	NextRow    int64                `json:"next_row" doc:"The row that is expected next, as a spreadsheet counts: the header is row 1."`
	Applied    int64                `json:"applied" doc:"Rows that had their effect."`
	Faults     int64                `json:"faults" doc:"Rows that had none; faults.csv says why."`
	Bytes      int64                `json:"bytes" doc:"Of the file, up to the next row."`
	CreatedAt  time.Time            `json:"created_at"`
	UpdatedAt  time.Time            `json:"updated_at"`
	EndedAt    *time.Time           `json:"ended_at,omitempty"`
}

func viewImport(i models.Import) Import {
	return Import{
		ID: i.ID, MerchantID: i.MerchantID, Kind: i.Kind, Target: i.Target, Options: i.Options, Columns: append([]string{}, i.Columns...),
		State: i.State, NextRow: i.NextRow, Applied: i.Applied, Faults: i.Faults, Bytes: i.Bytes,
		CreatedAt: i.CreatedAt.Time, UpdatedAt: i.UpdatedAt.Time, EndedAt: instant(i.EndedAt),
	}
}

func (s *Server) createImport(ctx context.Context, in *createImportInput) (*newImportOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	switch in.Body.Kind {
	case models.ImportAudience:
		_, err = s.audience(ctx, in.Body.Target)
	case models.ImportCodes:
		merchantID, err = s.merchantOfCodes(ctx, in.Body.Target)
	default:
		if err = platformOnly(ctx); err == nil && in.Body.Target != "" {
			err = invalid(Fault{Path: "body.target", Message: "must not be set: users have no target"})
		}
	}
	if err != nil {
		return nil, err
	}
	record := audited(ctx, "import.create", in.Body.Reason)
	record.Detail = map[string]any{"kind": in.Body.Kind, "target": in.Body.Target}
	c, err := s.creates(ctx, in.Key, record, in.Body)
	if err != nil {
		return nil, err
	}
	var imp models.Import
	if c.made {
		imp, err = s.importOf(ctx, c.record.Subject)
	} else {
		imp, err = s.store.CreateImport(ctx, models.Import{
			MerchantID: merchantID, Kind: in.Body.Kind, Target: in.Body.Target, Options: in.Body.Options, Actor: keyOf(ctx).ID}, c.record)
	}
	if err != nil {
		return nil, err
	}
	return &newImportOutput{Replayed: replayedAs(c.made), Body: viewImport(imp)}, nil
}

// merchantOfCodes is whose codes the batch's are, if the key can see it and it has any.
func (s *Server) merchantOfCodes(ctx context.Context, batchID string) (string, error) {
	row, err := s.batch(ctx, batchID)
	if err != nil {
		return "", err
	}
	if row.Codes == models.CodesNone {
		return "", invalid(Fault{Path: "body.target", Message: "must be a batch with codes"})
	}
	return row.MerchantID, nil
}

// ImportPath names an import.
type ImportPath struct {
	ID string `path:"id" maxLength:"100"`
}

// importOf returns one that the key can see.
func (s *Server) importOf(ctx context.Context, id string) (models.Import, error) {
	if err := idOf(id, models.PrefixImport, "import"); err != nil {
		return models.Import{}, err
	}
	imp, err := s.store.Import(ctx, id)
	if err == nil {
		err = visible(ctx, imp.MerchantID, "import")
	}
	return imp, err
}

func (s *Server) getImport(ctx context.Context, in *ImportPath) (*importOutput, error) {
	imp, err := s.importOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: viewImport(imp)}, nil
}

const importList = "imports"

func (s *Server) listImports(ctx context.Context, in *PageInput) (*importsOutput, error) {
	start, err := after(in.Cursor, importList, models.PrefixImport)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Imports(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.Import, Import]{name: importList, view: viewImport, mark: func(i models.Import) []string { return []string{i.ID} }}
	return &importsOutput{Body: l.page(rows, in.Limit)}, nil
}

type cancelImportInput struct {
	ImportPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

func (s *Server) cancelImport(ctx context.Context, in *cancelImportInput) (*importOutput, error) {
	if _, err := s.importOf(ctx, in.ID); err != nil {
		return nil, err
	}
	imp, err := s.store.CancelImport(ctx, in.ID, audited(ctx, "import.cancel", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &importOutput{Body: viewImport(imp)}, nil
}

func (s *Server) importFaults(ctx context.Context, in *ImportPath) (*csvOutput, error) {
	if _, err := s.importOf(ctx, in.ID); err != nil {
		return nil, err
	}
	return s.csvFile(ctx, in.ID+"-faults.csv", []string{"row", "column", "code", "message"}, func(put func(...string) error) error {
		for after := int64(0); ; {
			faults, err := s.store.ImportFaults(ctx, in.ID, after, csvSlice)
			if err != nil || len(faults) == 0 {
				return err
			}
			for _, f := range faults {
				if err := put(strconv.FormatInt(f.FileRow, 10), f.ColumnName, string(f.Code), f.Message); err != nil {
					return err
				}
				after = f.FileRow
			}
		}
	}), nil
}
