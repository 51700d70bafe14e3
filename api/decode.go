package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// jsonFormat is JSON in which every name of an object comes once. huma judges the last of a repeated name, and takes
// names that differ in case for the same one; encoding/json merges them. So what was judged would not be what is used.
func jsonFormat() huma.Format {
	return huma.Format{Marshal: func(w io.Writer, v any) error {
		if known, ok := v.(encoded); ok && len(known.JSON()) > 0 {
			_, err := w.Write(known.JSON())
			return err
		}
		return huma.DefaultJSONFormat.Marshal(w, v)
	}, Unmarshal: func(data []byte, v any) error {
		if err := json.Unmarshal(data, v); err != nil {
			return err
		}
		if _, judged := v.(*any); !judged {
			return nil // the same bytes, which were judged before
		}
		if name, ok := repeatedName(data); ok {
			return fmt.Errorf("the name %q comes twice in one object", name)
		}
		return nil
	}}
}

// encoded is a body that may have been written as JSON before.
type encoded interface{ JSON() []byte }

// repeatedName finds a name that comes twice in one object of data, which must be valid JSON.
func repeatedName(data []byte) (string, bool) {
	var open []map[string]bool // the names of each object that is open; nil for a list
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{':
			open = append(open, map[string]bool{})
		case '[':
			open = append(open, nil)
		case '}', ']':
			open = open[:len(open)-1]
		case '"':
			end := stringEnd(data, i)
			if len(open) > 0 && open[len(open)-1] != nil && bytes.HasPrefix(bytes.TrimLeft(data[end:], " \t\r\n"), []byte{':'}) {
				name := nameOf(data[i:end])
				if open[len(open)-1][name] {
					return name, true
				}
				open[len(open)-1][name] = true
			}
			i = end - 1
		}
	}
	return "", false
}

// stringEnd is where the string that begins at from has ended.
func stringEnd(data []byte, from int) int {
	for i := from + 1; ; i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// nameOf is a quoted name without its case.
func nameOf(quoted []byte) string {
	plain := quoted[1 : len(quoted)-1]
	if bytes.ContainsFunc(plain, notPlain) {
		var name string
		_ = json.Unmarshal(quoted, &name)             // it is valid
		return strings.ToLower(strings.ToUpper(name)) // both ways, as some letters have several lower cases
	}
	return string(plain)
}

func notPlain(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') && r != '_' }
