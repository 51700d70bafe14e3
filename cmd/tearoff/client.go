package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/schollz/progressbar/v3"
)

// clientFlags say which API a command asks.
type clientFlags struct {
	API string `name:"api" help:"Where Tearoff's API (or its admin listener) answers." default:"http://127.0.0.1:8080" placeholder:"URL" env:"TEAROFF_API"`
	Key string `help:"An admin's API key." required:"" placeholder:"tk_…" env:"TEAROFF_KEY"`

	Patience time.Duration `help:"How long to try again while the API doesn't answer." default:"15m"`
}

// url is the address of a path.
func (c clientFlags) url(path string) string { return strings.TrimSuffix(c.API, "/") + path }

// authorise puts the key into a request.
func (c clientFlags) authorise(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.Key) }

const (
	callWithin  = 30 * time.Second
	answerBytes = 1 << 20 // of an answer that is no file
	followEvery = time.Second
)

// clientCall is one call of the API.
type clientCall struct {
	method, path string
	key          string // Idempotency-Key; "": none
	body         any    // sent as JSON; nil: none
}

// ask makes a call and reads the answer into out. An answer that says what is wrong is an error with its words.
func (c clientFlags) ask(ctx context.Context, call clientCall, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	answer, err := c.send(ctx, call)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	return json.NewDecoder(io.LimitReader(answer.Body, answerBytes)).Decode(out)
}

// begin asks for something to be made, until there is an answer: all tries have one key, so one whose answer was lost makes no
// second. The key is told first, for the case that this process doesn't live to see the answer.
func (c clientFlags) begin(ctx context.Context, call clientCall, told io.Writer, out any) error {
	if call.key == "" {
		call.key = "cli-" + ulid.Make().String()
	}
	fmt.Fprintf(told, "if this ends before it shows an id, the same with --idempotency-key %s makes no second one\n", call.key)
	deadline := time.Now().Add(c.Patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		err := c.ask(ctx, call, out)
		var refused *refusedError
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
	}
}

// refusedError is an answer that another try would not change.
type refusedError struct{ text string }

// Error implements error.
func (e *refusedError) Error() string { return e.text }

// send makes a call, whose answer the caller reads and closes.
func (c clientFlags) send(ctx context.Context, call clientCall) (*http.Response, error) {
	var body io.Reader
	if call.body != nil {
		raw, err := json.Marshal(call.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, call.method, c.url(call.path), body)
	if err != nil {
		return nil, err
	}
	c.authorise(request)
	request.Header.Set("Content-Type", "application/json")
	if call.key != "" {
		request.Header.Set("Idempotency-Key", call.key)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the API can't be reached: %w", err)
	}
	if answer.StatusCode >= http.StatusBadRequest {
		defer answer.Body.Close()
		raw, err := io.ReadAll(io.LimitReader(answer.Body, answerBytes))
		if err != nil {
			return nil, err
		}
		text := fmt.Sprintf("%s: %s", answer.Status, raw)
		if answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests {
			return nil, errors.New(text)
		}
		return nil, &refusedError{text}
	}
	return answer, nil
}

// stage is how far something is that goes on in the background.
type stage struct {
	state    string
	of, done int64
	over     bool
}

// follow shows how far it is until it is over, or ctx ends. A look that fails is taken again: what is looked at doesn't depend on it.
func follow(ctx context.Context, stdout io.Writer, unit string, at stage, look func(context.Context) (stage, error)) error {
	bar := progressbar.NewOptions64(max(at.of, 1), progressbar.OptionSetWriter(stdout), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit), progressbar.OptionSetPredictTime(true))
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		bar.ChangeMax64(max(at.of, 1))
		bar.Describe(strings.ToLower(at.state))
		_ = bar.Set64(at.done)
		if at.over {
			_ = bar.Finish()
			fmt.Fprintln(stdout)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if now, err := look(ctx); err == nil {
			at = now
		}
	}
}
