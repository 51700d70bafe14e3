package api

import (
	"context"
	"encoding/csv"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/tearoff/tearoff/models"
)

// csvType is what files of rows are, both ways.
const csvType = "text/csv"

// csvOutput is a file of rows that is sent while it is read.
type csvOutput struct {
	Body func(huma.Context)
}

// csvFile sends rows as a file of the name. write hands each row to put, and stops when put fails. A file that can't be
// written to its end is broken off, so that nobody takes a part for the whole.
func (s *Server) csvFile(ctx context.Context, name string, header []string, write func(put func(cells ...string) error) error) *csvOutput {
	return &csvOutput{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", csvType+"; charset=utf-8; header=present")
		hc.SetHeader("Content-Disposition", `attachment; filename="`+name+`"`)
		hc.SetStatus(http.StatusOK)
		out := csv.NewWriter(patient{humagin.Unwrap(hc).Writer})
		out.UseCRLF = true // RFC 4180
		put := func(cells ...string) error {
			safe := make([]string, len(cells))
			for i, cell := range cells {
				safe[i] = safeCell(cell)
			}
			return out.Write(safe)
		}
		err := errors.Join(put(header...), write(put))
		out.Flush()
		if err = errors.Join(err, out.Error()); err == nil {
			return
		}
		if hc.Context().Err() == nil {
			s.cfg.Log.WarnContext(ctx, "a file was broken off", "request_id", callOf(ctx).id, "error", err)
		}
		panic(http.ErrAbortHandler)
	}}
}

// patient lets each part of a file take streamIdle, however long it took to find it.
type patient struct{ http.ResponseWriter }

// Write implements io.Writer.
func (p patient) Write(part []byte) (int, error) {
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(patience()) // not every connection has one
	return p.ResponseWriter.Write(part)
}

// csvSlice is how many rows are read at once.
const csvSlice = 500

// streamIdle is how long a file that is sent or received may stand still.
const streamIdle = 30 * time.Second

// patience is until when the next part of a file may take.
func patience() time.Time { return time.Now().Add(streamIdle) }

// safeCell keeps a spreadsheet from taking a text for a formula, which it would carry out on the reader's machine.
func safeCell(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// plainCell undoes safeCell, so that a file of ours can be imported again.
func plainCell(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && safeCell(cell[1:]) != cell[1:] {
		return cell[1:]
	}
	return cell
}

// errFile is what is wrong with a file that was sent, and where.
func errFile(row int64, message string) *models.Error {
	return models.NewError(models.CodeInvalidFile, message).With("row", row)
}
