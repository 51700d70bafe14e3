package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// importer turns rows of one kind of file into what they stand for.
type importer struct {
	columns []string // that a file may have
	needs   []string // one of these must be there
	// apply carries out rows in the import's transaction, each on its own, and returns those that had no effect. Doing a row
	// again must change nothing. It is called with the import's row locked, before any other lock.
	apply func(tx *txn, imp *models.Import, rows []importRow) ([]models.ImportFault, error)
}

// importers are the kinds of file that can be imported.
func importers() map[models.ImportKind]importer {
	return map[models.ImportKind]importer{
		models.ImportUsers: {
			columns: append(identityColumns(), "locale", "time_zone", "tags", "opt_out", "last_active_at"), needs: identityColumns(), apply: (*txn).importUsers,
		},
		models.ImportAudience: {columns: identityColumns(), needs: identityColumns(), apply: (*txn).importAudience},
		models.ImportCodes: {
			columns: []string{"code", "label", "max_uses", "valid_from", "valid_until"}, needs: []string{"code"}, apply: (*txn).importCodes,
		},
	}
}

// importRow is a row with its cells by column; a column that the file doesn't have is "".
type importRow struct {
	number int64
	cells  map[string]string
}

// fault says why the row has no effect, because of one column or, with "", as a whole.
func (r importRow) fault(column string, err error) models.ImportFault {
	refusal := refusalOf(err)
	return models.ImportFault{FileRow: r.number, Code: refusal.Code, ColumnName: column, Message: refusal.Message}
}

// CreateImport opens an import. Its target must be there and fit: CodeNotFound, CodeInvalidRequest.
func (s *Store) CreateImport(ctx context.Context, imp models.Import, record models.AuditRecord) (models.Import, error) {
	imp.ID, imp.State, imp.NextRow, imp.Seq, imp.Columns = models.NewID(models.PrefixImport), models.ImportOpen, firstRow, 1, []string{}
	if _, known := importers()[imp.Kind]; !known {
		return imp, models.NewError(models.CodeInvalidRequest, "there are no imports of this kind")
	}
	err := s.tx(ctx, func(tx *txn) error {
		if written, err := tx.written(&imp, "id = ?", imp.ID); written || err != nil {
			return err
		}
		if err := tx.checkTarget(imp); err != nil {
			return err
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		imp.CreatedAt, imp.UpdatedAt = now, now
		if err := tx.Create(&imp).Error; err != nil {
			return err
		}
		record.Subject = imp.ID
		if err := tx.audit(record); err != nil || imp.Kind != models.ImportCodes {
			return err
		}
		ofBatch := record // a second record, of which the request's key is not the id
		ofBatch.ID, ofBatch.Action = "", "codes.import"
		return tx.auditCodes(ofBatch, imp.Target, map[string]any{"import": imp.ID})
	})
	return imp, err
}

// firstRow is the number of the first row after the header.
const firstRow = 2

// checkTarget keeps an audience from being deleted until the import is there; batches stay.
func (tx *txn) checkTarget(imp models.Import) error {
	switch imp.Kind {
	case models.ImportUsers:
		return nil
	case models.ImportCodes:
		var b models.Batch
		if err := tx.Take(&b, "id = ?", imp.Target).Error; err != nil {
			return notFound(err, "batch")
		}
		if b.Codes == models.CodesNone {
			return models.NewError(models.CodeInvalidRequest, "the batch has no codes")
		}
		return nil
	case models.ImportAudience:
	}
	var a models.Audience
	if err := tx.locked().Take(&a, "id = ?", imp.Target).Error; err != nil {
		return notFound(err, "audience")
	}
	if a.Kind != models.AudienceList {
		return models.NewError(models.CodeInvalidRequest, "the audience is an expression: nobody can be added to it")
	}
	return nil
}

// Import returns an import, or CodeNotFound.
func (s *Store) Import(ctx context.Context, id string) (models.Import, error) {
	var imp models.Import
	err := s.db.WithContext(ctx).Take(&imp, "id = ?", id).Error
	return imp, notFound(err, "import")
}

// Imports lists imports by id.
func (s *Store) Imports(ctx context.Context, p Page) ([]models.Import, error) {
	q := s.db.WithContext(ctx).Where("id > ?", p.After)
	if p.MerchantID != "" {
		q = q.Where("merchant_id = ?", p.MerchantID)
	}
	var rows []models.Import
	err := q.Order("id").Limit(p.Limit).Find(&rows).Error
	return rows, asError(err)
}

// ImportFaults lists the faults of an import after a row.
func (s *Store) ImportFaults(ctx context.Context, id string, after int64, limit int) ([]models.ImportFault, error) {
	var rows []models.ImportFault
	err := s.db.WithContext(ctx).Order("file_row").Limit(limit).Find(&rows, "import_id = ? AND file_row > ?", id, after).Error
	return rows, asError(err)
}

// CheckColumns says what is wrong with the header of a file: a column that the kind doesn't have, one that comes twice, or
// none of those that it needs. A file with other columns than the import began with is another file.
func CheckColumns(imp models.Import, columns []string) error {
	kind := importers()[imp.Kind]
	fault := func(message, column string) error {
		return models.NewError(models.CodeInvalidFile, message).With("row", 1).With("column", column).With("columns", kind.columns)
	}
	for i, c := range columns {
		if !slices.Contains(kind.columns, c) {
			return fault("there is no such column", c)
		}
		if slices.Contains(columns[:i], c) {
			return fault("the column comes twice", c)
		}
	}
	if !slices.ContainsFunc(columns, func(c string) bool { return slices.Contains(kind.needs, c) }) {
		return fault("the file lacks a column that says whom or what its rows are about", kind.needs[0])
	}
	if len(imp.Columns) > 0 && !slices.Equal(imp.Columns, columns) {
		return models.NewError(models.CodeImportMismatch, "the file has other columns than the import began with").With("row", 1)
	}
	return nil
}

// ImportSlice is rows of a file that follow one another.
type ImportSlice struct {
	ImportID string
	Columns  []string
	First    int64      // number of the first row
	Rows     [][]string // cells, by Columns. A row of nil is in Faults
	Faults   map[int64]models.ImportFault
	Digest   string // of all rows before the slice; "" at the first row
	After    string // of all rows up to the end of the slice
	Bytes    int64  // of the file, up to the end of the slice
	Last     bool   // the file ends with it
}

// end is the number of the row after the slice.
func (sl ImportSlice) end() int64 { return sl.First + int64(len(sl.Rows)) }

// ApplyRows applies a slice in one transaction, which also says that it did: a slice is applied once, however often it is
// sent. Refusals: CodeImportEnded; CodeStateConflict when the import is elsewhere, because another upload has gone on.
func (s *Store) ApplyRows(ctx context.Context, sl ImportSlice) (models.Import, error) {
	var imp models.Import
	err := s.tx(ctx, func(tx *txn) error {
		if err := tx.locked().Take(&imp, "id = ?", sl.ImportID).Error; err != nil {
			return notFound(err, "import")
		}
		switch at := imp.NextRow == sl.end() && imp.Digest == sl.After; {
		case at && (len(sl.Rows) > 0 || imp.State == models.ImportDone) && (imp.State == models.ImportDone || !sl.Last):
			return nil // an earlier run of this very slice
		case imp.State != models.ImportOpen:
			return models.NewError(models.CodeImportEnded, "the import has ended").With("state", imp.State)
		case imp.NextRow != sl.First || imp.Digest != sl.Digest:
			return models.NewError(models.CodeStateConflict, "another upload of this import is under way").With("state", imp.State)
		}
		return tx.applyRows(&imp, sl)
	})
	return imp, err
}

func (tx *txn) applyRows(imp *models.Import, sl ImportSlice) error {
	faults := maps.Clone(sl.Faults)
	if faults == nil {
		faults = map[int64]models.ImportFault{}
	}
	var rows []importRow
	for i, cells := range sl.Rows {
		row := importRow{number: sl.First + int64(i), cells: make(map[string]string, len(cells))}
		if cells == nil {
			continue
		}
		for c, column := range sl.Columns {
			row.cells[column] = cells[c]
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		found, err := importers()[imp.Kind].apply(tx, imp, rows)
		if err != nil {
			return err
		}
		for _, f := range found {
			faults[f.FileRow] = f
		}
	}
	if err := tx.writeFaults(imp.ID, faults); err != nil {
		return err
	}
	return tx.advanceImport(imp, sl, int64(len(faults)))
}

func (tx *txn) writeFaults(importID string, faults map[int64]models.ImportFault) error {
	list := make([]models.ImportFault, 0, len(faults))
	for _, number := range slices.Sorted(maps.Keys(faults)) {
		f := faults[number]
		f.ImportID, f.FileRow = importID, number
		list = append(list, f)
	}
	if len(list) == 0 {
		return nil
	}
	return tx.CreateInBatches(list, 500).Error
}

func (tx *txn) advanceImport(imp *models.Import, sl ImportSlice, faults int64) error {
	now, err := tx.now()
	if err != nil {
		return err
	}
	before := imp.Seq
	imp.Columns, imp.NextRow, imp.Digest, imp.Bytes, imp.UpdatedAt, imp.Seq = sl.Columns, sl.end(), sl.After, sl.Bytes, now, before+1
	imp.Faults += faults
	imp.Applied += int64(len(sl.Rows)) - faults
	if sl.Last {
		imp.State, imp.EndedAt = models.ImportDone, now
	}
	return tx.updateImport(*imp, before)
}

func (tx *txn) updateImport(imp models.Import, before int64) error {
	columns, err := json.Marshal(imp.Columns)
	if err != nil {
		return err
	}
	return tx.guard(1, "UPDATE imports SET columns = ?, state = ?, next_row = ?, digest = ?, applied = ?, faults = ?, bytes = ?, seq = ?, "+
		"updated_at = ?, ended_at = ? WHERE id = ? AND seq = ?", string(columns), imp.State, imp.NextRow, imp.Digest, imp.Applied, imp.Faults, imp.Bytes,
		imp.Seq, imp.UpdatedAt, imp.EndedAt, imp.ID, before)
}

// CancelImport ends an import that takes rows; what it has applied stays. Doing it again changes nothing; one that is done is
// CodeImportEnded.
func (s *Store) CancelImport(ctx context.Context, id string, record models.AuditRecord) (models.Import, error) {
	var imp models.Import
	err := s.tx(ctx, func(tx *txn) error {
		if err := tx.locked().Take(&imp, "id = ?", id).Error; err != nil {
			return notFound(err, "import")
		}
		switch imp.State {
		case models.ImportCancelled:
			return nil
		case models.ImportDone:
			return models.NewError(models.CodeImportEnded, "the import is done").With("state", imp.State)
		case models.ImportOpen:
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		before := imp.Seq
		imp.State, imp.EndedAt, imp.UpdatedAt, imp.Seq = models.ImportCancelled, now, now, before+1
		if err := tx.updateImport(imp, before); err != nil {
			return err
		}
		record.Subject = imp.ID
		return tx.audit(record)
	})
	return imp, err
}
