package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// decode reads valid JSON into dst and reports every fault with its path, where encoding/json stops at the first one,
// ignores case and lets a repeated field win. It knows the kinds of type that a Rule is made of: structs with json tags,
// pointers, slices, and what encoding/json reads as one value. A pointer stays nil when what it points to is not there.
func (f *faults) decode(path string, raw json.RawMessage, dst reflect.Value) {
	if bytes.Equal(raw, []byte("null")) {
		f.add(orRule(path), "must not be null; leave it out")
		return
	}
	switch dst.Kind() {
	case reflect.Pointer:
		value := reflect.New(dst.Type().Elem())
		f.decode(path, raw, value.Elem())
		if !f.seen[path] {
			dst.Set(value)
		}
	case reflect.Struct:
		f.decodeObject(path, raw, dst)
	case reflect.Slice:
		f.decodeList(path, raw, dst)
	default:
		if err := json.Unmarshal(raw, dst.Addr().Interface()); err != nil {
			f.add(orRule(path), "must be %s", article(dst.Kind()))
		}
	}
}

func (f *faults) decodeObject(path string, raw json.RawMessage, dst reflect.Value) {
	if raw[0] != '{' {
		f.add(orRule(path), "must be an object")
		return
	}
	seen := map[string]bool{}
	members(raw, func(name string, value json.RawMessage) {
		at := name
		if path != "" {
			at = path + "." + name
		}
		field, ok := fieldOf(dst, name)
		switch {
		case !ok:
			f.add(clip(at), "unknown field")
		case seen[name]:
			f.add(at, "must not be repeated")
		default:
			f.decode(at, value, field)
		}
		seen[name] = true
	})
}

func (f *faults) decodeList(path string, raw json.RawMessage, dst reflect.Value) {
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		f.add(path, "must be a list")
		return
	}
	if len(entries) == 0 {
		f.add(path, "must not be empty; leave it out")
		return
	}
	list := reflect.MakeSlice(dst.Type(), len(entries), len(entries))
	for i, entry := range entries {
		f.decode(fmt.Sprintf("%s[%d]", path, i), entry, list.Index(i))
	}
	dst.Set(list)
}

// members calls yield for each member of a valid JSON object, as often as it is there.
func members(object json.RawMessage, yield func(name string, value json.RawMessage)) {
	dec := json.NewDecoder(bytes.NewReader(object))
	_, _ = dec.Token() // the opening brace
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return // not reached: the JSON is valid
		}
		text, _ := name.(string) // in an object a token before a value is a name
		yield(text, value)
	}
}

// fieldOf finds the field of the name, also in embedded structs. Fields without a name are not the caller's to set.
func fieldOf(dst reflect.Value, name string) (reflect.Value, bool) {
	for i := range dst.NumField() {
		field := dst.Type().Field(i)
		if field.Anonymous {
			if found, ok := fieldOf(dst.Field(i), name); ok {
				return found, true
			}
			continue
		}
		tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if tag != "" && tag == name {
			return dst.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func article(k reflect.Kind) string {
	switch k {
	case reflect.Int64:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	default:
		return "a string"
	}
}

// orRule names the whole rule where a path would be empty.
func orRule(path string) string {
	if path == "" {
		return "rule"
	}
	return path
}

// clip keeps a name that a caller made up from filling the answer.
func clip(path string) string {
	const most = 120
	if len(path) > most {
		return strings.ToValidUTF8(path[:most], "") + "…"
	}
	return path
}
