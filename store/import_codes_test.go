package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// codeFile applies all rows at once, and returns how the import ended with "row column code" of each fault.
func (w *world) codeFile(columns []string, rows ...[]string) (models.Import, []string) {
	w.t.Helper()
	imp := w.importOf(models.ImportCodes, w.batch.ID)
	done, err := w.s.ApplyRows(w.t.Context(), store.ImportSlice{ImportID: imp.ID, Columns: columns, First: 2, Rows: rows, After: imp.ID, Last: true})
	require.NoError(w.t, err)
	found, err := w.s.ImportFaults(w.t.Context(), imp.ID, 0, 100)
	require.NoError(w.t, err)
	faults := make([]string, len(found))
	for i, f := range found {
		faults[i] = fmt.Sprint(f.FileRow, " ", f.ColumnName, " ", f.Code)
	}
	return done, faults
}

// Shared codes of a file have the bounds of their rows; what a row gets wrong stops no other.
func TestImportCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesShared, TimeZone: "Europe/Berlin"})
		other := w.Batch(storetest.BatchSpec{Codes: models.CodesShared})
		theirs, name := w.Code(other.ID, 0), storetest.Name("Code")
		done, faults := w.codeFile([]string{"code", "label", "max_uses", "valid_from", "valid_until"},
			[]string{name, "radio", "7", "2026-03-29", "2026-03-29"},
			[]string{" " + name + "-2 ", "", "", "", "2027-01-01T00:00:00Z"},
			[]string{name + "-2", "", "", "", ""},
			[]string{theirs, "", "", "", ""},
			[]string{"", "", "", "", ""},
			[]string{name + "-3", "", "0", "", ""},
			[]string{name + "-3", "", "many", "", ""},
			[]string{name + "-3", "", "", "tomorrow", ""},
			[]string{name + "-3", "", "", "2026-01-02", "2026-01-01"},
		)
		assert.Equal(t, []any{models.ImportDone, int64(2), int64(7)}, []any{done.State, done.Applied, done.Faults})
		assert.Equal(t, []string{
			"4 code code_taken", "5 code code_taken", "6 code invalid_request", "7 max_uses invalid_request", "8 max_uses invalid_request",
			"9 valid_from invalid_request", "10 valid_until invalid_request",
		}, faults)
		c, err := s.Code(t.Context(), models.CodeKey(name))
		require.NoError(t, err)
		assert.Equal(t, []any{name, w.batch.ID, "radio", int64(7), true, false}, []any{c.Display, c.BatchID, c.Label, *c.MaxUses, c.Active, c.Generated})
		assert.Equal(t, []string{"2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
			[]string{c.ValidFrom.UTC().Format(time.RFC3339), c.ValidUntil.UTC().Format(time.RFC3339)})
		log, err := s.AuditLog(t.Context(), w.batch.ID)
		require.NoError(t, err)
		assert.Equal(t, "codes.import", log[len(log)-1].Action)
		w.AuditClean(w.batch.ID, other.ID)
	})
}

// Single codes of a file take stock at once, in the order of the file, as far as it goes.
func TestImportSingleCodes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 3})
		require.Nil(t, claimOne(t, s, w.claimBy(w.user, w.Code(w.batch.ID, 0))).Err)
		name := storetest.Name("Z") // a later key comes first in the file
		done, faults := w.codeFile([]string{"max_uses", "code"}, []string{"2", name}, []string{"1", name}, []string{"", "A" + name}, []string{"1", "B" + name})
		assert.Equal(t, []any{int64(2), []string{"2 max_uses invalid_request", "5 code sold_out"}}, []any{done.Applied, faults})
		assert.Equal(t, []int64{2, 0, 1}, []int64{w.counter().Coded, w.counter().Remaining, w.counter().Issued})
		require.Nil(t, claimOne(t, s, w.claimBy(w.user, models.CodeKey("A"+name))).Err)
		w.AuditClean(w.batch.ID)
	})
}

// Two files with the same codes for two batches, at once: each code is one batch's, and a fault of the other file.
func TestImportCodesRaces(t *testing.T) {
	t.Parallel()
	s, faults := watched(t)
	spec := storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 200}
	worlds := []*world{newWorld(t, s, spec), newWorld(t, s, spec)}
	name := storetest.Name("C")
	rows := make([][]string, 150)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(name, "-", i)}
	}
	applied := make([]int64, 2)
	together(2, func(i int) {
		done, found := worlds[i].codeFile([]string{"code"}, rows...)
		applied[i] = done.Applied
		assert.LessOrEqual(t, len(found), 150)
	})
	assert.EqualValues(t, 150, applied[0]+applied[1])
	for i, w := range worlds {
		assert.Equal(t, applied[i], w.counter().Coded)
		w.AuditClean(w.batch.ID)
	}
	requireNoDeadlock(t, faults)
}

func TestImportCodesOfNoCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite(t), storetest.BatchSpec{})
	for target, want := range map[string]models.Code{w.batch.ID: models.CodeInvalidRequest, "bat_none": models.CodeNotFound} {
		_, err := w.s.CreateImport(t.Context(), models.Import{Kind: models.ImportCodes, Target: target}, models.AuditRecord{})
		requireCode(t, want, err)
	}
}
