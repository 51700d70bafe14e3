package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

type importCmd struct {
	clientFlags
	Kind      string `arg:"" enum:"users,audience,codes" help:"What the rows are: users, audience or codes."`
	File      string `arg:"" help:"CSV with a header row, UTF-8." type:"existingfile"`
	Target    string `help:"The audience, or the batch of codes." placeholder:"ID" aliases:"batch,audience"`
	KnownOnly bool   `help:"Audience: make nobody; unknown people are counted."`
	Resume    string `help:"Go on with an import that was begun before, with the same file." placeholder:"IMP_ID"`
	Reason    string `help:"For the audit log."`
}

// Help implements kong's longer help.
func (*importCmd) Help() string {
	return `Sends a file and shows how far it is. When the connection breaks the whole file is sent again, and rows that were applied
before are left out: each row counts once. Rows that had no effect are listed by GET /v1/admin/imports/{id}/faults.csv.`
}

// importState is what the API says of an import.
type importState struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	NextRow int64  `json:"next_row"`
	Applied int64  `json:"applied"`
	Faults  int64  `json:"faults"`
	Code    string `json:"code"`   // of a problem
	Detail  string `json:"detail"` // of a problem
}

// Run implements kong's command.
func (c *importCmd) Run(ctx context.Context, stdout io.Writer) error {
	id := c.Resume
	if id == "" {
		body, err := json.Marshal(map[string]any{"kind": c.Kind, "target": c.Target, "reason": c.Reason, "options": map[string]bool{"known_only": c.KnownOnly}})
		if err != nil {
			return err
		}
		made, status, err := c.call(ctx, http.MethodPost, "", bytes.NewReader(body))
		if err != nil || status >= http.StatusBadRequest {
			return errors.Join(err, made.problem(status))
		}
		id = made.ID
		fmt.Fprintf(stdout, "%s begins; if this ends early: tearoff import %s %s --resume %s\n", id, c.Kind, c.File, id)
	}
	deadline := time.Now().Add(c.Patience)
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		before, _, _ := c.call(ctx, http.MethodGet, "/"+id, nil)
		done, status, err := c.send(ctx, id, stdout)
		if err == nil && status == http.StatusOK {
			fmt.Fprintf(stdout, "\r%s is %s: %d rows applied, %d faults\n", id, done.State, done.Applied, done.Faults)
			return nil
		}
		if err == nil && status < http.StatusInternalServerError && done.Code != "state_conflict" {
			return done.problem(status)
		}
		if now, _, err := c.call(ctx, http.MethodGet, "/"+id, nil); err == nil && now.NextRow > before.NextRow {
			deadline, pause = time.Now().Add(c.Patience), time.Second // it gets on
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.Join(ctx.Err(), err, fmt.Errorf("%s is not done; go on with --resume %s", id, id))
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
	}
}

func (s importState) problem(status int) error {
	if s.Code == "" {
		return fmt.Errorf("the API answered %d", status)
	}
	return fmt.Errorf("%s: %s", s.Code, s.Detail)
}

// send uploads the file while another goroutine tells how far it is.
func (c *importCmd) send(ctx context.Context, id string, stdout io.Writer) (importState, int, error) {
	file, err := os.Open(c.File)
	if err != nil {
		return importState{}, 0, err
	}
	defer file.Close()
	watching, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-watching.Done():
				return
			case <-ticker.C:
				if now, status, err := c.call(watching, http.MethodGet, "/"+id, nil); err == nil && status == http.StatusOK {
					fmt.Fprintf(stdout, "\r%d rows applied, %d faults", now.Applied, now.Faults)
				}
			}
		}
	}()
	defer func() { stop(); <-ended }()
	return c.call(ctx, http.MethodPut, "/"+id+"/rows", file)
}

func (c *importCmd) call(ctx context.Context, method, path string, body io.Reader) (s importState, status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url("/v1/admin/imports"+path), body)
	if err != nil {
		return s, 0, err
	}
	c.authorise(request)
	request.Header.Set("Expect", "100-continue") // a refusal comes before the file is sent
	switch method {
	case http.MethodPut:
		request.Header.Set("Content-Type", "text/csv")
	case http.MethodPost:
		request.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ExpectContinueTimeout: 5 * time.Second}}
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return s, 0, err
	}
	defer answer.Body.Close()
	err = json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&s)
	return s, answer.StatusCode, err
}
