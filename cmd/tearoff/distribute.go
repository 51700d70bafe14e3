package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

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

func (v distributionView) stage() stage {
	return stage{state: v.State, of: v.Progress.Size, done: v.Progress.Judged, over: v.State == "DONE" || v.State == "CANCELLED"}
}

// Run implements kong's command.
func (c *distributeCmd) Run(ctx context.Context, stdout io.Writer) error {
	v, err := c.start(ctx, stdout)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, v.ID)
	err = follow(ctx, stdout, "users", v.stage(), func(ctx context.Context) (stage, error) {
		now, err := c.look(ctx, v.ID)
		if err == nil {
			v = now
		}
		return v.stage(), err
	})
	if err != nil {
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

// start makes the distribution, or finds the one to look at.
func (c *distributeCmd) start(ctx context.Context, stdout io.Writer) (distributionView, error) {
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
	var v distributionView
	err := c.begin(ctx, clientCall{method: http.MethodPost, path: "/v1/admin/distributions", key: c.IdemKey, body: body}, stdout, &v)
	return v, err
}

func (c *distributeCmd) look(ctx context.Context, id string) (v distributionView, err error) {
	err = c.ask(ctx, clientCall{method: http.MethodGet, path: "/v1/admin/distributions/" + url.PathEscape(id)}, &v)
	return v, err
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
