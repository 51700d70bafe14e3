package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// maxDepth bounds how deep a body may nest.
const maxDepth = 50

// jsonFormat is JSON in which every name of an object comes once. huma judges the last of a repeated name, and takes
// names that differ in case for the same one; encoding/json merges them. So what was judged would not be what is used.
func jsonFormat() huma.Format {
	return huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: func(data []byte, v any) error {
		judged, ok := v.(*any)
		if !ok {
			return json.Unmarshal(data, v) // the same bytes, which were judged before
		}
		var err error
		*judged, err = decodeOnce(data)
		return err
	}}
}

func decodeOnce(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	v, err := decodeValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("must be one JSON value, and nothing after it")
	}
	return v, nil
}

func decodeValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	switch {
	case !ok:
		return token, nil
	case depth == maxDepth:
		return nil, fmt.Errorf("must not nest deeper than %d", maxDepth)
	case delim == '{':
		return decodeObject(d, depth+1)
	default:
		return decodeList(d, depth+1)
	}
}

func decodeObject(d *json.Decoder, depth int) (map[string]any, error) {
	object, seen := map[string]any{}, map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string)
		folded := strings.ToLower(strings.ToUpper(name)) // both ways, as some letters have several lower cases
		if seen[folded] {
			return nil, fmt.Errorf("the name %q comes twice in one object", name)
		}
		seen[folded] = true
		if object[name], err = decodeValue(d, depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token() // the closing brace
	return object, err
}

func decodeList(d *json.Decoder, depth int) ([]any, error) {
	list := []any{}
	for d.More() {
		v, err := decodeValue(d, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token() // the closing bracket
	return list, err
}
