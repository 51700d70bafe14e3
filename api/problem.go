package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/tearoff/tearoff/models"
)

// Problem is every answer that is not a success (RFC 9457).
type Problem struct { //nolint:errname // it is what RFC 9457 calls a problem
	Type      string         `json:"type" doc:"Where the code is explained." example:"/docs#sold_out"`
	Title     string         `json:"title" doc:"What the code means; the same for every problem of the code."`
	Status    int            `json:"status" example:"409"`
	Detail    string         `json:"detail,omitempty" doc:"What is wrong this time, for people."`
	Code      models.Code    `json:"code" doc:"What is wrong, for programs. Codes are stable; docs/errors.md lists them." example:"sold_out"`
	Params    map[string]any `json:"params,omitempty" doc:"What the code's explanation refers to."`
	Retryable bool           `json:"retryable" doc:"Whether the same request may succeed later."`
	RequestID string         `json:"request_id"`
	Errors    []Fault        `json:"errors,omitempty" nullable:"false" doc:"With invalid_request: every fault of the request."`

	header http.Header
}

// Fault is one thing that is wrong with the form of a request.
type Fault struct {
	Path    string `json:"path" example:"body.cart.lines[0].quantity"`
	Message string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statusGone is for the log and the metrics: the client left before it was answered.
const statusGone = 499

// StatusOf is the HTTP status that problems of the code have.
func StatusOf(code models.Code) int {
	if code == models.CodeMethodNotAllowed {
		return http.StatusMethodNotAllowed
	}
	switch models.InfoOf(code).Class {
	case models.ClassInvalid:
		return http.StatusBadRequest
	case models.ClassUnauthorized:
		return http.StatusUnauthorized
	case models.ClassForbidden:
		return http.StatusForbidden
	case models.ClassNotFound:
		return http.StatusNotFound
	case models.ClassConflict:
		return http.StatusConflict
	case models.ClassTooLarge:
		return http.StatusRequestEntityTooLarge
	case models.ClassRefused:
		return http.StatusUnprocessableEntity
	case models.ClassTooMany:
		return http.StatusTooManyRequests
	case models.ClassUnavailable:
		return http.StatusServiceUnavailable
	case models.ClassInternal:
	}
	return http.StatusInternalServerError
}

// problem is the one place where an error becomes an answer. What failed on our side is logged with the request's id and
// shown without its text.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	err = outOfTime(ctx, err)
	var domain *models.Error
	if !errors.As(err, &domain) || models.ClassOf(err) == models.ClassInternal {
		domain = models.NewError(models.CodeInternal, "").Wrap(err)
	}
	info := models.InfoOf(domain.Code)
	p := &Problem{
		Type: "/docs#" + string(domain.Code), Title: info.Meaning, Status: StatusOf(domain.Code), Detail: domain.Message,
		Code: domain.Code, Params: domain.Params, Retryable: !models.Final(domain), RequestID: callOf(ctx).id,
		header: http.Header{},
	}
	if faults, ok := p.Params["errors"].([]Fault); ok {
		p.Errors, p.Params = faults, nil
	}
	switch info.Class {
	case models.ClassInternal:
		s.cfg.Log.ErrorContext(ctx, "request failed", "request_id", p.RequestID, "error", err)
	case models.ClassUnavailable, models.ClassTooMany:
		p.header.Set("Retry-After", retryAfter(domain))
		if domain.Code == models.CodeOverloaded {
			break // the requests are logged anyway, and a crowd of warnings would only add to the load
		}
		s.cfg.Log.WarnContext(ctx, "request turned away", "request_id", p.RequestID, "error", err)
	case models.ClassUnauthorized:
		p.header.Set("WWW-Authenticate", "Bearer")
	default:
	}
	var again *replayedError
	if errors.As(err, &again) {
		p.header.Set(replayedHeader, "true")
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		p.Status = statusGone
	}
	return p
}

// retryAfter is when it makes sense to ask again, in seconds: at once, unless the error says so.
func retryAfter(err *models.Error) string {
	if seconds, ok := err.Params["retry_after"].(int64); ok {
		return strconv.FormatInt(seconds, 10)
	}
	return "1"
}

// outOfTime tells a request that ran out of its own time from one that failed.
func outOfTime(ctx context.Context, err error) error {
	code := models.CodeOf(err)
	late := errors.Is(ctx.Err(), context.DeadlineExceeded) && (code == models.CodeInternal || code == models.CodeUnavailable)
	if late || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return models.NewError(models.CodeTimeout, "the request took too long").Wrap(err)
	}
	return err
}

// invalid says what is wrong with the form of a request.
func invalid(faults ...Fault) *models.Error {
	return models.NewError(models.CodeInvalidRequest, "the request does not have the documented form").With("errors", faults)
}

// replayedError marks an error that answers a repeated request as it was answered before.
type replayedError struct{ error }

// Unwrap returns the cause, for the log.
func (e *replayedError) Unwrap() error { return e.error }

// formProblem turns what huma found wrong with the form of a request into a problem of ours. The values that were sent
// stay out: they may be personal.
func (s *Server) formProblem(ctx context.Context, e *huma.ErrorModel) *Problem {
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		return s.problem(ctx, tooLarge(s.cfg.MaxBody))
	case http.StatusRequestTimeout:
		return s.problem(ctx, models.NewError(models.CodeTimeout, "the body did not arrive in time"))
	}
	faults := make([]Fault, 0, len(e.Errors))
	for _, d := range e.Errors {
		faults = append(faults, Fault{Path: cmp.Or(d.Location, "body"), Message: inWords(d.Message)})
	}
	if len(faults) == 0 {
		faults = append(faults, Fault{Path: "body", Message: e.Detail})
	}
	return s.problem(ctx, invalid(faults...))
}

// inWords keeps the names of our types out of a message of the JSON decoder.
func inWords(message string) string {
	if strings.HasPrefix(message, "json: ") {
		return "a value has the wrong type or does not fit"
	}
	return message
}

func tooLarge(limit int64) *models.Error {
	return models.NewError(models.CodeRequestTooLarge, "the body is larger than the limit").With("limit", limit)
}

// refuse answers where no typed handler does.
func (s *Server) refuse(c *gin.Context, err error) {
	p := s.problem(c.Request.Context(), err)
	for name, values := range p.header {
		c.Writer.Header()[name] = values
	}
	c.Header("Content-Type", p.ContentType(""))
	c.Writer.WriteHeader(p.Status)
	if err := json.NewEncoder(c.Writer).Encode(p); err != nil {
		s.cfg.Log.DebugContext(c.Request.Context(), "the answer was not taken", "request_id", p.RequestID, "error", err)
	}
	c.Abort()
}
