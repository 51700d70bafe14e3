package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
)

type codesCmd struct {
	Generate codesGenerateCmd `cmd:"" help:"Make codes of a batch in the background, and watch it."`
	Export   codesExportCmd   `cmd:"" help:"Write the codes of a batch to a CSV file."`
}

type codesGenerateCmd struct {
	clientFlags
	Batch      string `help:"The batch." placeholder:"BAT_ID"`
	Count      int64  `help:"How many codes."`
	Label      string `help:"Of all of them, for you: the channel or partner."`
	MaxUses    int64  `help:"How many coupons each shared code gets; 0 = only the batch bounds it."`
	ValidFrom  string `help:"An instant (RFC 3339) or a date of the batch's zone." placeholder:"WHEN"`
	ValidUntil string `help:"An instant, or a date: until its end." placeholder:"WHEN"`
	Reason     string `help:"For the audit log."`
	IdemKey    string `name:"idempotency-key" help:"Names these codes: the same key again follows the job that was made. A new one by default." placeholder:"KEY"`
	Follow     string `help:"Only look at a job that was made before." placeholder:"CJB_ID"`
	Out        string `help:"Then write them to this CSV file; - is standard output. They are found by their label, which none before should have." placeholder:"FILE"`
}

// Help implements kong.HelpProvider.
func (*codesGenerateCmd) Help() string {
	return `What the codes look like is in the batch's code_terms. Ctrl-C stops looking and leaves the job running: --follow looks again, and
POST /v1/admin/code-jobs/ID/cancel ends it. It exits with 1 when the job was cancelled or failed.`
}

// codeJobView is what of the API's answer is shown.
type codeJobView struct {
	ID       string `json:"id"`
	BatchID  string `json:"batch_id"`
	State    string `json:"state"`
	Count    int64  `json:"count"`
	Made     int64  `json:"made"`
	Label    string `json:"label"`
	Outcome  string `json:"outcome"`
	Strength struct {
		Warning string `json:"warning"`
	} `json:"strength"`
}

func (v codeJobView) stage() stage {
	return stage{state: v.State, of: v.Count, done: v.Made, over: v.State != "RUNNING"}
}

// Run implements kong's command.
func (c *codesGenerateCmd) Run(ctx context.Context, stdout io.Writer) error {
	told := stdout
	if c.Out == "-" {
		told = os.Stderr
	}
	job, err := c.start(ctx, told)
	if err != nil {
		return err
	}
	fmt.Fprintln(told, job.ID)
	if job.Strength.Warning != "" {
		fmt.Fprintln(told, "warning:", job.Strength.Warning)
	}
	err = follow(ctx, told, "codes", job.stage(), func(ctx context.Context) (stage, error) {
		now, err := c.look(ctx, job.ID)
		if err == nil {
			job = now
		}
		return job.stage(), err
	})
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(told, "\n%s goes on; look again with --follow %s\n", job.ID, job.ID)
		if c.Out != "" {
			return exitError{code: 1} // whoever waits for the file must not go on without it
		}
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(told, "%s: %d of %d codes %s\n", job.State, job.Made, job.Count, job.Outcome)
	if job.State != "DONE" {
		return exitError{code: 1}
	}
	if c.Out == "" {
		return nil
	}
	return (&codesExportCmd{clientFlags: c.clientFlags, Batch: job.BatchID, Label: job.Label, Out: c.Out}).export(ctx, stdout, told)
}

var errUnlabelled = errors.New("codes without a --label can't be told from others of the batch: use codes export instead of --out")

// start makes the job, or finds the one to look at.
func (c *codesGenerateCmd) start(ctx context.Context, told io.Writer) (job codeJobView, err error) {
	if c.Follow != "" {
		job, err = c.look(ctx, c.Follow)
		if err == nil && c.Out != "" && job.Label == "" {
			err = errUnlabelled
		}
		return job, err
	}
	switch {
	case c.Batch == "" || c.Count == 0 || c.Reason == "":
		return job, errors.New("give --batch, --count and --reason, or --follow")
	case c.Out != "" && c.Label == "":
		return job, errUnlabelled
	}
	body := map[string]any{"count": c.Count, "reason": c.Reason}
	for name, value := range map[string]string{"label": c.Label, "valid_from": c.ValidFrom, "valid_until": c.ValidUntil} {
		if value != "" {
			body[name] = value
		}
	}
	if c.MaxUses != 0 {
		body["max_uses"] = c.MaxUses
	}
	err = c.begin(ctx, clientCall{
		method: http.MethodPost, path: "/v1/admin/batches/" + url.PathEscape(c.Batch) + "/codes/generate", key: c.IdemKey, body: body,
	}, told, &job)
	return job, err
}

func (c *codesGenerateCmd) look(ctx context.Context, id string) (job codeJobView, err error) {
	err = c.ask(ctx, clientCall{method: http.MethodGet, path: "/v1/admin/code-jobs/" + url.PathEscape(id)}, &job)
	return job, err
}

type codesExportCmd struct {
	clientFlags
	Batch  string `help:"The batch." required:"" placeholder:"BAT_ID"`
	Label  string `help:"Only codes with the label."`
	Unused bool   `help:"Only codes that got no coupon and are switched on."`
	Out    string `help:"The file; - is standard output." required:"" placeholder:"FILE"`
}

// Run implements kong's command.
func (c *codesExportCmd) Run(ctx context.Context, stdout io.Writer) error {
	told := stdout
	if c.Out == "-" {
		told = io.Discard
	}
	return c.export(ctx, stdout, told)
}

// export writes the file as a whole or not at all.
func (c *codesExportCmd) export(ctx context.Context, stdout, told io.Writer) error {
	if c.Out == "-" {
		_, err := c.fetch(ctx, stdout)
		return err
	}
	part, err := os.OpenFile(c.Out+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) // codes are money
	if err != nil {
		return err
	}
	n, err := c.fetch(ctx, part)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), c.Out)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	fmt.Fprintf(told, "%d codes in %s\n", n, c.Out)
	return nil
}

// fetch copies the rows and counts the codes. A file that the API breaks off is an error.
func (c *codesExportCmd) fetch(ctx context.Context, to io.Writer) (codes int, err error) {
	query := url.Values{}
	if c.Label != "" {
		query.Set("label", c.Label)
	}
	if c.Unused {
		query.Set("unused", "true")
	}
	answer, err := c.send(ctx, clientCall{method: http.MethodGet, path: "/v1/admin/batches/" + url.PathEscape(c.Batch) + "/codes.csv?" + query.Encode()})
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	rows := csv.NewReader(io.TeeReader(answer.Body, to))
	rows.ReuseRecord = true
	for codes = -1; ; codes++ { // the first row is the header
		if _, err := rows.Read(); errors.Is(err, io.EOF) {
			return codes, nil
		} else if err != nil {
			return codes, fmt.Errorf("the file broke off: %w", err)
		}
	}
}
