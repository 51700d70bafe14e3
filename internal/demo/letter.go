package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify/mailtest"
)

// distribute gives 100 coupons to 120 customers, with a letter to each who gets one, and tries it again.
func (s *story) distribute(ctx context.Context, sc *scene) error {
	audience, err := call[identified](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/audiences", Body: map[string]any{
		"name": "readers", "expression": wantLetters,
	}})
	if err != nil {
		return err
	}
	template, err := s.template(ctx, models.MessageIssued, "Für Sie: {{.batch_name}}")
	if err != nil {
		return err
	}
	to := []string{"--audience", audience.ID, "--template", template}
	dry, err := s.distribution(ctx, append(to, "--dry-run")...)
	if err != nil {
		return err
	}
	check(sc, "would get a coupon", 100, dry.Progress.Issued)
	check(sc, "would come after the last one", readers-100, dry.Progress.SkippedBy[models.CodeSoldOut])
	if s.remindAt, err = s.remindSoon(ctx); err != nil {
		return err
	}
	done, err := s.distribution(ctx, to...)
	if err != nil {
		return err
	}
	check(sc, "got a coupon", 100, done.Progress.Issued)
	check(sc, "came after the last one", readers-100, done.Progress.SkippedBy[models.CodeSoldOut])
	again, err := s.distribution(ctx, to...)
	if err != nil {
		return err
	}
	check(sc, "got another one, from a second distribution", 0, again.Progress.Issued)
	check(sc, "have theirs already", 100, again.Progress.SkippedBy[models.CodeUserLimit])
	return s.checkMails(ctx, sc, "Für Sie: Herbstbrief: für Sie")
}

// identified is an answer of which only the id matters.
type identified struct {
	ID string `json:"id"`
}

// template makes one for mail and the inbox.
func (s *story) template(ctx context.Context, kind models.MessageKind, subject string) (id string, err error) {
	made, err := call[identified](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/templates", Body: map[string]any{
		"kind": kind, "name": string(kind), "channels": []models.Channel{models.ViaInbox, models.ViaEmail}, "locale": "en",
		"texts": map[string]models.Text{"en": {
			Subject: subject, Body: "A coupon until {{.valid_until}}.", HTML: "<p>A coupon until <b>{{.valid_until}}</b>.</p>",
		}},
	}})
	return made.ID, err
}

// distributionView is a distribution as the API shows it.
type distributionView struct {
	State    models.DistributionState `json:"state"`
	Progress struct {
		Issued    int                 `json:"issued"`
		SkippedBy map[models.Code]int `json:"skipped_by"`
	} `json:"progress"`
}

// distribution runs one to its end, as an operator does at a terminal.
func (s *story) distribution(ctx context.Context, args ...string) (distributionView, error) {
	args = append([]string{"distribute", "--batch", s.batches[shop.Letter], "--reason", "autumn letter"}, args...)
	out, err := s.tearoff(ctx, args...)
	if err != nil {
		return distributionView{}, err
	}
	for line := range strings.Lines(string(out)) {
		if id := strings.TrimSpace(line); strings.HasPrefix(id, models.PrefixDistribution+"_") {
			return call[distributionView](ctx, s.admin, request{Path: "/v1/admin/distributions/" + id})
		}
	}
	return distributionView{}, fmt.Errorf("no distribution in %q", out)
}

// tearoff runs the program as an admin at a terminal does.
func (s *story) tearoff(ctx context.Context, args ...string) ([]byte, error) {
	args = append(args, "--api", s.servers.at.API, "--key", s.servers.at.Key)
	return output(ctx, nil, s.servers.options.Tearoff, args...)
}

// checkMails waits for a mail of the subject for each of the 100, and expects that nobody has two.
func (s *story) checkMails(ctx context.Context, sc *scene, subject string) error {
	to, err := until(ctx, func(context.Context) (map[string]int, error) { return mailsOf(s.servers.mail, subject) },
		func(to map[string]int) bool { return len(to) >= 100 })
	if err != nil {
		return fmt.Errorf("%d mails: %w", len(to), err)
	}
	sum := 0
	for _, n := range to {
		sum += n
	}
	check(sc, fmt.Sprintf("mails %q, with text and HTML", subject), 100, sum)
	check(sc, "to as many addresses", 100, len(to))
	return nil
}

// mailsOf counts mails of a subject by address; those that lack a part, as plain text or as HTML, are an error.
func mailsOf(server *mailtest.Server, subject string) (map[string]int, error) {
	to := map[string]int{}
	for _, mail := range server.Mails() {
		read, err := mail.Read()
		if err != nil {
			return nil, err
		}
		if read.Subject != subject {
			continue
		}
		if !strings.Contains(read.Parts["text/plain"], "A coupon until") || !strings.Contains(read.Parts["text/html"], "<p>A coupon until") {
			return nil, fmt.Errorf("a mail has the parts %v", read.Parts)
		}
		to[strings.Join(mail.To, ",")]++
	}
	return to, nil
}
