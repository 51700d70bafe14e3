package api

import (
	"bytes"
	htmltemplate "html/template"
)

// htmlType is the media type of pages that people see.
const htmlType = "text/html; charset=utf-8"

// pageOutput is such a page. It has no script and no style: the policy of all answers allows none.
type pageOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func pageOf(page *htmltemplate.Template, data any) (*pageOutput, error) {
	var b bytes.Buffer
	err := page.Execute(&b, data)
	return &pageOutput{ContentType: htmlType, Body: b.Bytes()}, err
}
