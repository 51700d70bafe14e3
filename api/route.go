package api

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"github.com/tearoff/tearoff/rules"
)

// spec is what is declared of a route beside its types.
type spec struct {
	Route   string // method and path
	Name    string // of the operation
	Summary string
	Roles   roles  // whose keys may use it; none: it needs no key
	Status  int    // of a success. 0: 200, or 204 without a body
	Also    []int  // other successes with the same body
	Takes   string // media type of a body that the handler reads as it comes. "": none, or JSON of the handler's types
	Gives   string // media type of an answer that is no JSON; CSV is sent as it is made. "": JSON
}

// route is a declared route; add puts it into an API.
type route struct {
	spec
	add func(api huma.API, op huma.Operation)
}

// on ties a typed handler to its route.
func on[I, O any](s *Server, sp spec, handle func(context.Context, *I) (*O, error)) route {
	return route{spec: sp, add: func(api huma.API, op huma.Operation) {
		huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := handle(ctx, in)
			if err != nil {
				return nil, s.problem(ctx, err)
			}
			return out, nil
		})
	}}
}

// register puts the routes of a set into the engine and returns their description.
func (s *Server) register(e *gin.Engine, which Routes) *huma.OpenAPI {
	api := humagin.New(e, s.openAPI())
	api.UseMiddleware(func(ctx huma.Context, next func(huma.Context)) { next(&typed{humaContext: ctx}) })
	registry := api.OpenAPI().Components.Schemas
	problem := registry.Schema(reflect.TypeFor[Problem](), true, "")
	for _, r := range s.routes() {
		op := s.operation(r.spec)
		if !which.has(op.Path) {
			continue
		}
		op.Responses = map[string]*huma.Response{"default": {
			Description: "A problem; its code says which.",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}}
		if r.Takes != "" {
			op.RequestBody = &huma.RequestBody{Required: true, Content: textContent(r.Takes)}
		}
		r.add(api, op)
		success := op.Responses[strconv.Itoa(r.Status)]
		if r.Gives != "" {
			op.Responses[strconv.Itoa(cmp.Or(r.Status, http.StatusOK))] = &huma.Response{Description: "OK", Content: textContent(r.Gives)}
		}
		for _, status := range r.Also {
			op.Responses[strconv.Itoa(status)] = &huma.Response{
				Description: http.StatusText(status), Headers: success.Headers, Content: success.Content,
			}
		}
	}
	for _, unused := range []string{"ErrorModel", "ErrorDetail"} { // huma's own problems, which nobody gets to see
		delete(registry.Map(), unused)
	}
	return api.OpenAPI()
}

func textContent(media string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString}}}
}

// streamed are the routes whose bodies come or go for as long as they move on, as gin names them.
func (s *Server) streamed() map[string]bool {
	found := map[string]bool{}
	for _, r := range s.routes() {
		if r.Takes != "" || r.Gives == csvType {
			found[strings.NewReplacer("{", ":", "}", "").Replace(r.Route)] = true
		}
	}
	return found
}

func (s *Server) operation(sp spec) huma.Operation {
	method, path, _ := strings.Cut(sp.Route, " ")
	names := make([]string, len(sp.Roles))
	for i, r := range sp.Roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	op := huma.Operation{
		OperationID: sp.Name, Method: method, Path: path, Summary: sp.Summary, DefaultStatus: sp.Status,
		Description:     "Needs no key: the call is signed.",
		Tags:            []string{tagOf(path)},
		Extensions:      map[string]any{"x-roles": names},
		MaxBodyBytes:    s.cfg.MaxBody + 1, // huma refuses what fills its limit
		BodyReadTimeout: s.cfg.ReadWithin,
	}
	if len(names) > 0 {
		op.Description = "Keys that may: " + strings.Join(names, ", ") + "."
		op.Security = []map[string][]string{{"key": {}}}
		op.Middlewares = huma.Middlewares{s.authorise(sp.Roles)}
	}
	return op
}

// tagOf groups the routes by resource: "admin batches" of /v1/admin/batches/{id}.
func tagOf(path string) string {
	words := strings.Split(strings.TrimPrefix(path, "/v1/"), "/")
	if words[0] == "admin" {
		return "admin " + words[1]
	}
	return words[0]
}

func (s *Server) openAPI() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		if t == reflect.TypeFor[rules.Rule]() {
			return "RuleContent"
		}
		return huma.DefaultSchemaNamer(t, hint)
	})
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Tearoff", Version: "v1", Description: "Coupons: rules and batches, claims, quotes, holds and redemptions.",
			},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "An API key of Tearoff: tk_…"},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()},
		DefaultFormat: "application/json",
		Transformers: []huma.Transformer{func(ctx huma.Context, _ string, v any) (any, error) {
			form, ok := v.(*huma.ErrorModel)
			if !ok {
				return v, nil
			}
			p := s.formProblem(ctx.Context(), form)
			for name := range p.header {
				ctx.SetHeader(name, p.header.Get(name))
			}
			if t, ok := ctx.(*typed); ok {
				t.status = p.Status
			}
			return p, nil
		}},
		RejectUnknownQueryParameters: true,
	}
}
