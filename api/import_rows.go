package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

const (
	importSlice  = 100       // rows of one transaction: who issues to one of its users waits for it, with a batch's counter in hand
	maxRowBytes  = 1 << 20   // of one row: a quote that is never closed must not take all memory
	maxColumns   = 50        // of a file
	maxCellRunes = 10_000    // of a cell
	readAhead    = 64 * 1024 // bytes that are read before they are needed
)

type importRowsInput struct {
	ImportPath
	body    io.Reader
	control *http.ResponseController
}

// Resolve implements huma.Resolver. The body is not read here: it may be as long as it likes.
func (in *importRowsInput) Resolve(hc huma.Context) []error {
	c := humagin.Unwrap(hc)
	in.body, in.control = c.Request.Body, http.NewResponseController(c.Writer)
	return nil
}

// Read gives each part of the body time of its own.
func (in *importRowsInput) Read(p []byte) (int, error) {
	_ = in.control.SetReadDeadline(patience()) // not every connection has one
	return in.body.Read(p)
}

// importRows takes the rows of a file, slice by slice: the next one is read when the one before is applied, so that a sender
// who is faster has to wait. The same file may be sent as often as it takes.
func (s *Server) importRows(ctx context.Context, in *importRowsInput) (*importOutput, error) {
	imp, err := s.importOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if imp.State == models.ImportCancelled {
		return nil, models.NewError(models.CodeImportEnded, "the import was cancelled").With("state", imp.State)
	}
	f, err := readFile(in)
	if err != nil {
		return nil, err
	}
	if err := store.CheckColumns(imp, f.columns); err != nil {
		return nil, err
	}
	for {
		slice, err := f.next(imp)
		if err != nil {
			return nil, err
		}
		if slice.First < imp.NextRow || imp.State == models.ImportDone {
			if err := compare(imp, slice); err != nil {
				return nil, err
			}
		} else if imp, err = s.store.ApplyRows(ctx, slice); err != nil {
			return nil, err
		}
		_ = in.control.SetWriteDeadline(patience())
		if slice.Last {
			return &importOutput{Body: viewImport(imp)}, nil
		}
	}
}

// compare makes sure that rows which were applied before are those that the file has.
func compare(imp models.Import, slice store.ImportSlice) error {
	end := slice.First + int64(len(slice.Rows))
	if end == imp.NextRow && slice.After == imp.Digest && (!slice.Last || imp.State == models.ImportDone) {
		return nil
	}
	if end < imp.NextRow && !slice.Last {
		return nil // it shows when all of them have come
	}
	return models.NewError(models.CodeImportMismatch, "the file is not the one that the import began with").With("row", imp.NextRow-1)
}

// rowFile is a file of rows that is being read.
type rowFile struct {
	csv     *csv.Reader
	source  *rowSource
	columns []string
	row     int64 // number of the row that was read last
	sum     hash.Hash
	digest  string // of the rows before the next
}

// rowSource bounds what one row may take of the body.
type rowSource struct {
	io.Reader
	left int
}

var errLongRow = errors.New("a row is longer than 1 MiB: a quote may never be closed")

// Read implements io.Reader.
func (s *rowSource) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, errLongRow
	}
	n, err := s.Reader.Read(p)
	s.left -= n
	return n, err
}

// readFile reads the header.
func readFile(body io.Reader) (*rowFile, error) {
	source := &rowSource{Reader: body, left: maxRowBytes}
	text := bufio.NewReaderSize(source, readAhead)
	if mark, _ := text.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = text.Discard(3)
	}
	f := &rowFile{csv: csv.NewReader(text), source: source, sum: sha256.New()}
	f.csv.ReuseRecord = false
	header, err := f.csv.Read()
	f.row = 1
	switch {
	case errors.Is(err, io.EOF):
		return nil, errFile(1, "the file is empty")
	case err != nil:
		return nil, f.broken(err)
	case len(header) > maxColumns:
		return nil, errFile(1, "the file has too many columns")
	}
	for _, name := range header {
		f.columns = append(f.columns, strings.ToLower(strings.TrimSpace(name)))
	}
	return f, nil
}

// broken says what is wrong with the file. A body that breaks off is the connection's fault, and can be sent again.
func (f *rowFile) broken(err error) error {
	var parse *csv.ParseError
	switch {
	case errors.Is(err, errLongRow):
		return errFile(f.row+1, errLongRow.Error())
	case errors.As(err, &parse):
		return errFile(f.row+1, parse.Err.Error())
	}
	return models.NewError(models.CodeTimeout, "the file broke off; send it again").Wrap(err)
}

// next reads a slice. It ends where the import is, too, so that what was applied before can be told from what comes.
func (f *rowFile) next(imp models.Import) (store.ImportSlice, error) {
	slice := store.ImportSlice{
		ImportID: imp.ID, Columns: f.columns, First: f.row + 1, Digest: f.digest, Faults: map[int64]models.ImportFault{},
	}
	for len(slice.Rows) < importSlice && (f.row+1 != imp.NextRow || len(slice.Rows) == 0) {
		f.source.left = maxRowBytes
		cells, err := f.csv.Read()
		if errors.Is(err, io.EOF) {
			slice.Last = true
			break
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return slice, f.broken(err)
		}
		f.row++
		f.add(cells)
		if fault := f.judge(cells); fault != "" {
			slice.Faults[f.row], cells = models.ImportFault{Code: models.CodeInvalidFile, Message: fault}, nil
		}
		for i := range cells {
			cells[i] = plainCell(strings.TrimSpace(cells[i]))
		}
		slice.Rows = append(slice.Rows, cells)
	}
	if f.row > 1 {
		f.digest = hex.EncodeToString(f.sum.Sum(nil))
	}
	slice.After, slice.Bytes = f.digest, f.csv.InputOffset()
	return slice, nil
}

// add takes a row into the sum, with the borders of its cells.
func (f *rowFile) add(cells []string) {
	var length [8]byte
	for _, cell := range cells {
		binary.BigEndian.PutUint64(length[:], uint64(len(cell)))
		f.sum.Write(length[:])
		_, _ = io.WriteString(f.sum, cell)
	}
	f.sum.Write([]byte{'\n'})
}

// judge says what is wrong with the form of a row.
func (f *rowFile) judge(cells []string) string {
	if len(cells) != len(f.columns) {
		return "the row has another number of cells than the header"
	}
	for _, cell := range cells {
		switch {
		case !utf8.ValidString(cell) || strings.ContainsRune(cell, 0):
			return "the row is not UTF-8"
		case utf8.RuneCountInString(cell) > maxCellRunes:
			return "a cell is too long"
		}
	}
	return ""
}
