package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/schollz/progressbar/v3"
)

// followEvery is how often a distribution is looked at.
const followEvery = time.Second

type distributeCmd struct {
	clientFlags
	Batch     string `help:"The batch." placeholder:"BAT_ID"`
	Audience  string `help:"Who gets a coupon." placeholder:"LIST"`
	Template  string `help:"Of the message to each of them." placeholder:"TPL_ID"`
	StartAt   string `help:"When it begins: an instant (RFC 3339) or a date of the batch's zone. At once by default." placeholder:"WHEN"`
	PerSecond int64  `help:"The most users a second; 0 = as fast as it goes."`
	DryRun    bool   `help:"Only count who would get a coupon, and why the others wouldn't."`
	Reason    string `help:"For the audit log."`
	IdemKey   string `name:"idempotency-key" help:"Names this distribution: the same key again follows the one that was made. A new one by default." placeholder:"KEY"`
	Follow    string `help:"Only look at one that was made before." placeholder:"DST_ID"`

	Patience time.Duration `help:"How long to ask again, with the same key, while the API doesn't answer." default:"2m"`
}

// Help implements kong.HelpProvider.
func (*distributeCmd) Help() string {
	return `It makes a distribution and shows how far it is. Ctrl-C stops looking and leaves the distribution running: --follow looks again,
and POST /v1/admin/distributions/ID/cancel ends it. It exits with 1 when the distribution was cancelled or a user failed.`
}

// distributionView is what of the API's answer is shown.
type distributionView struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	DryRun   bool   `json:"dry_run"`
	Progress struct {
		Size      int64            `json:"size"`
		Judged    int64            `json:"judged"`
		Issued    int64            `json:"issued"`
		Skipped   int64            `json:"skipped"`
		SkippedBy map[string]int64 `json:"skipped_by"`
		Failed    int64            `json:"failed"`
	} `json:"progress"`
}

func (v distributionView) over() bool { return v.State == "DONE" || v.State == "CANCELLED" }

// Run implements kong's command.
func (c *distributeCmd) Run(ctx context.Context, stdout io.Writer) error {
	v, err := c.begin(ctx, stdout)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, v.ID)
	if v, err = c.follow(ctx, v, stdout); err != nil {
		if errors.Is(err, context.Canceled) {
			fmt.Fprintf(stdout, "\n%s goes on; look again with --follow %s\n", v.ID, v.ID)
			return nil
		}
		return err
	}
	c.tell(v, stdout)
	if v.State == "CANCELLED" || v.Progress.Failed > 0 {
		return exitError{code: 1}
	}
	return nil
}

// begin makes the distribution, or finds the one to look at.
func (c *distributeCmd) begin(ctx context.Context, stdout io.Writer) (distributionView, error) {
	if c.Follow != "" {
		return c.look(ctx, c.Follow)
	}
	if c.Batch == "" || c.Audience == "" || c.Reason == "" {
		return distributionView{}, errors.New("give --batch, --audience and --reason, or --follow")
	}
	body := map[string]any{"batch_id": c.Batch, "audience_id": c.Audience, "reason": c.Reason}
	for name, value := range map[string]string{"template_id": c.Template, "start_at": c.StartAt} {
		if value != "" {
			body[name] = value
		}
	}
	if c.PerSecond > 0 {
		body["per_second"] = c.PerSecond
	}
	if c.DryRun {
		body["dry_run"] = true
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return distributionView{}, err
	}
	if c.IdemKey == "" {
		c.IdemKey = "cli-" + ulid.Make().String() // one for all tries, so that a lost answer makes no second distribution
	}
	fmt.Fprintf(stdout, "if this ends before it shows an id, the same with --idempotency-key %s makes no second one\n", c.IdemKey)
	return c.ask(ctx, raw)
}

// ask asks until there is an answer: one that was lost may have been of a distribution that was made.
func (c *distributeCmd) ask(ctx context.Context, body []byte) (v distributionView, err error) {
	deadline := time.Now().Add(c.Patience)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		v, err = c.call(ctx, http.MethodPost, "/v1/admin/distributions", body)
		var refused *refusedError
		if err == nil || errors.As(err, &refused) || ctx.Err() != nil || time.Now().After(deadline) {
			return v, err
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

func (c *distributeCmd) look(ctx context.Context, id string) (distributionView, error) {
	return c.call(ctx, http.MethodGet, "/v1/admin/distributions/"+url.PathEscape(id), nil)
}

// follow shows how far it is until it has ended. A look that fails is taken again: the distribution doesn't depend on it.
func (c *distributeCmd) follow(ctx context.Context, v distributionView, stdout io.Writer) (distributionView, error) {
	bar := progressbar.NewOptions64(max(v.Progress.Size, 1), progressbar.OptionSetWriter(stdout), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("users"), progressbar.OptionSetPredictTime(true))
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for {
		bar.ChangeMax64(max(v.Progress.Size, 1))
		bar.Describe(strings.ToLower(v.State))
		_ = bar.Set64(v.Progress.Judged)
		if v.over() {
			_ = bar.Finish()
			fmt.Fprintln(stdout)
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-ticker.C:
		}
		if now, err := c.look(ctx, v.ID); err == nil {
			v = now
		}
	}
}

func (c *distributeCmd) tell(v distributionView, stdout io.Writer) {
	p := v.Progress
	what := "coupons"
	if v.DryRun {
		what = "would get a coupon"
	}
	fmt.Fprintf(stdout, "%s: %d %s, %d skipped, %d failed\n", v.State, p.Issued, what, p.Skipped, p.Failed)
	for reason, n := range p.SkippedBy {
		fmt.Fprintf(stdout, "  %d %s\n", n, reason)
	}
	if p.Skipped+p.Failed > 0 {
		fmt.Fprintf(stdout, "who: GET /v1/admin/distributions/%s/skips.csv\n", v.ID)
	}
}

// call asks the API.
func (c *distributeCmd) call(ctx context.Context, method, path string, body []byte) (v distributionView, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.url(path), bytes.NewReader(body))
	if err != nil {
		return v, err
	}
	c.authorise(req)
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", c.IdemKey)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, fmt.Errorf("the API can't be reached: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return v, err
	}
	switch {
	case resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests:
		return v, fmt.Errorf("%s: %s", resp.Status, raw)
	case resp.StatusCode >= http.StatusBadRequest:
		return v, &refusedError{fmt.Sprintf("%s: %s", resp.Status, raw)}
	}
	err = json.Unmarshal(raw, &v)
	return v, err
}
