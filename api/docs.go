package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// docsPage shows /openapi.json in a browser. It needs nothing from elsewhere.
//
//go:embed docspage
var docsPage embed.FS

// docsPolicy lets the page load its own parts and nothing else.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'"

// document serves the description of the routes, and a page that shows it.
func (s *Server) document(e *gin.Engine, api *huma.OpenAPI) {
	api.Components.Schemas.Schema(reflect.TypeFor[rules.Rule](), true, "")
	api.Extensions = map[string]any{"x-codes": codeDocs()}
	written := sync.OnceValues(func() ([]byte, error) { return json.Marshal(api) })
	e.GET("/openapi.json", func(c *gin.Context) {
		description, err := written()
		if err != nil {
			s.refuse(c, fmt.Errorf("the description of the API can't be written: %w", err))
			return
		}
		c.Data(http.StatusOK, "application/openapi+json", description)
	})
	for path, file := range map[string][2]string{
		"/docs":           {"page.html", htmlType},
		"/docs/page.js":   {"page.js", "text/javascript; charset=utf-8"},
		"/docs/style.css": {"style.css", "text/css; charset=utf-8"},
	} {
		e.GET(path, func(c *gin.Context) {
			content, err := docsPage.ReadFile("docspage/" + file[0])
			if err != nil {
				s.refuse(c, err)
				return
			}
			c.Header("Content-Security-Policy", docsPolicy)
			c.Data(http.StatusOK, file[1], content)
		})
	}
}

// codeDoc is one row of the list of codes.
type codeDoc struct {
	Code      models.Code `json:"code"`
	Status    int         `json:"status"`
	Retryable bool        `json:"retryable"`
	Meaning   string      `json:"meaning"`
}

func codeDocs() []codeDoc {
	docs := make([]codeDoc, 0, len(models.Catalogue()))
	for _, info := range models.Catalogue() {
		docs = append(docs, codeDoc{
			Code: info.Code, Status: StatusOf(info.Code), Meaning: info.Meaning,
			Retryable: !models.Final(models.NewError(info.Code, "")),
		})
	}
	return docs
}

const errorDocsHead = `# Errors

<!-- Made by "go generate ./api" from models.Catalogue. Don't edit. -->

Every answer that is not a success is a problem (RFC 9457, ` + "`application/problem+json`" + `):

` + "```json" + `
{
  "type": "/docs#sold_out",
  "title": "No coupon is left.",
  "status": 409,
  "detail": "no coupon is left",
  "code": "sold_out",
  "retryable": false,
  "request_id": "req_01k9x3vdr0e9vw7a4mz0s8c1qf"
}
` + "```" + `

Decide by ` + "`code`" + `: codes are stable, texts are not. ` + "`params`" + ` holds what a meaning below refers to. ` + "`retryable`" + ` says whether the
same request may succeed later; send it again with the same ` + "`Idempotency-Key`" + `, after ` + "`Retry-After`" + ` where there is one. The same code
stands in the reasons of quotes, in the outcome of a redemption, and as the type of a Temporal application error.

| code | status | retryable | meaning |
|---|---|---|---|
`

// WriteErrorDocs writes the page that explains every code: docs/errors.md.
func WriteErrorDocs(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(errorDocsHead)
	for _, d := range codeDocs() {
		retryable := "no"
		if d.Retryable {
			retryable = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", d.Code, d.Status, retryable, d.Meaning)
	}
	_, err := w.Write(b.Bytes())
	return err
}
