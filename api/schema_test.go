package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

// described is the documentation as a judge of answers: every answer that a test gets is held against it.
type described struct {
	once    sync.Once
	schemas doc
	paths   doc
}

func (d *described) read(t testing.TB, h http.Handler) {
	d.once.Do(func() {
		var api doc
		b := &bundle{t: t}
		require.NoError(t, json.Unmarshal([]byte(send(t, h, b.http(request{route: "GET /openapi.json"})).text), &api))
		d.schemas, _ = api.at("components", "schemas").(map[string]any)
		d.paths, _ = api.at("paths").(map[string]any)
	})
}

// judge says what in the answer is not as documented; "" when all is, or when the route is not documented.
func (d *described) judge(method, path string, a answer) string {
	path, _, _ = strings.Cut(path, "?")
	for pattern, methods := range d.paths {
		op := doc(methods.(map[string]any)).at(strings.ToLower(method))
		if op == nil || !matches(pattern, path) {
			continue
		}
		responses := doc(op.(map[string]any)["responses"].(map[string]any))
		response := responses.at(strconv.Itoa(a.status))
		if response == nil {
			if a.status < 400 {
				return fmt.Sprintf("%s %s: status %d is not documented", method, pattern, a.status)
			}
			response = responses["default"]
		}
		content, _ := response.(map[string]any)["content"].(map[string]any)
		for name, media := range content {
			if !strings.HasSuffix(name, "json") {
				continue // a file
			}
			var body any
			if err := json.Unmarshal([]byte(a.text), &body); err != nil {
				return err.Error()
			}
			return d.check(method+" "+pattern, media.(map[string]any)["schema"].(map[string]any), body)
		}
	}
	return ""
}

func matches(pattern, path string) bool {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	return len(want) == len(got) && !slices.ContainsFunc(want, func(s string) bool {
		i := slices.Index(want, s)
		return !strings.HasPrefix(s, "{") && s != got[i]
	})
}

// check is as much of JSON Schema as the documentation uses.
func (d *described) check(path string, schema doc, v any) string {
	if ref := schema.text("$ref"); ref != "" {
		return d.check(path, d.schemas[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any), v)
	}
	if fault := checkType(schema, v); fault != "" {
		return path + ": " + fault
	}
	if enum, ok := schema["enum"].([]any); ok && v != nil && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s: %v is not one of %v", path, v, enum)
	}
	switch v := v.(type) {
	case map[string]any:
		return d.checkObject(path, schema, v)
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, item := range v {
			if fault := d.check(fmt.Sprintf("%s[%d]", path, i), items, item); fault != "" {
				return fault
			}
		}
	}
	return ""
}

func checkType(schema doc, v any) string {
	types, ok := schema["type"].([]any)
	if !ok {
		types = []any{schema["type"]}
	}
	got := "null"
	switch v := v.(type) {
	case bool:
		got = "boolean"
	case float64:
		got = "number"
		if v == float64(int64(v)) {
			got = "integer"
		}
	case string:
		got = "string"
	case []any:
		got = "array"
	case map[string]any:
		got = "object"
	}
	if schema["type"] != nil && !slices.Contains(types, any(got)) {
		return fmt.Sprintf("%v is no %v", v, types)
	}
	if schema["format"] == "date-time" && v != nil {
		if _, err := time.Parse(time.RFC3339, v.(string)); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (d *described) checkObject(path string, schema doc, v map[string]any) string {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return path + ": " + name.(string) + " is missing"
		}
	}
	for name, value := range v {
		property, ok := schema.at("properties", name).(map[string]any)
		if !ok {
			if schema["additionalProperties"] == false {
				return path + ": " + name + " is not documented"
			}
			continue
		}
		if fault := d.check(path+"."+name, property, value); fault != "" {
			return fault
		}
	}
	return ""
}

// The judge itself has to find something.
func TestDescribedFindsFaults(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	d := &described{}
	d.read(t, b.handler)
	batch := b.Batch(storetest.BatchSpec{})
	got := b.send(request{route: "GET /v1/admin/batches/" + batch.ID, as: models.RoleAdmin})
	good := got.ok(http.StatusOK)
	const path = "/v1/admin/batches/x"
	require.Empty(t, d.judge("GET", path, got))
	for name, bad := range map[string]doc{
		"is missing":        {"id": nil},
		"is not documented": {"colour": "red"},
		"is not one of":     {"state": "GONE"},
		"is no":             {"rule_version": "1"},
		"cannot parse":      {"created_at": "yesterday"},
	} {
		changed := good.with(bad)
		if name == "is missing" {
			delete(changed, "id")
		}
		raw, err := json.Marshal(changed)
		require.NoError(t, err)
		require.Contains(t, d.judge("GET", path, answer{status: 200, text: string(raw)}), name)
	}
	require.Contains(t, d.judge("GET", path, answer{status: 204}), "status 204 is not documented")
	require.Empty(t, d.judge("GET", "/healthz", answer{status: 204}))
}
