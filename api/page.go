package api

import (
	"encoding/base64"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// PageInput asks for one page of a list.
type PageInput struct {
	Cursor string `query:"cursor" maxLength:"400" doc:"next_cursor of the page before. Default: the first page."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"The most items of the page."`
}

// page is one page of a list.
type page[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"Ask for the next page with it; absent on the last page."`
	json       []byte // the same, if it was written before
}

// JSON implements encoded.
func (p page[T]) JSON() []byte { return p.json }

// list says how rows of R become a page of T.
type list[R, T any] struct {
	name string // of the list; a cursor of one list is not one of another
	mark func(R) []string
	view func(R) T
}

// page makes a page of up to limit rows of one more that were read, so that the last page is known to be the last.
func (l list[R, T]) page(rows []R, limit int) page[T] {
	p := page[T]{Items: make([]T, 0, min(len(rows), limit))}
	if len(rows) > limit {
		rows = rows[:limit]
		p.NextCursor = encodeCursor(l.name, l.mark(rows[limit-1]))
	}
	for _, r := range rows {
		p.Items = append(p.Items, l.view(r))
	}
	return p
}

// after reads a cursor of the list; "" for the first page.
func after(cursor, name, prefix string) (string, error) {
	parts, err := decodeCursor(cursor, name, 1)
	if err != nil || parts == nil {
		return "", err
	}
	if idOf(parts[0], prefix, "") != nil {
		return "", invalidCursor()
	}
	return parts[0], nil
}

const cursorSeparator = "\x00"

func encodeCursor(name string, parts []string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(name + cursorSeparator + strings.Join(parts, cursorSeparator)))
}

// decodeCursor returns the parts of a cursor, nil for none.
func decodeCursor(cursor, name string, want int) ([]string, error) {
	if cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return nil, invalidCursor()
	}
	parts := strings.Split(string(raw), cursorSeparator)
	if len(parts) != want+1 || parts[0] != name {
		return nil, invalidCursor()
	}
	return parts[1:], nil
}

func invalidCursor() *models.Error {
	return models.NewError(models.CodeInvalidCursor, "the cursor was not made by this list")
}
