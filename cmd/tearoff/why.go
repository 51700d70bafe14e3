package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// walletAtMost bounds how many coupons of a wallet are looked at, as in a quote.
const walletAtMost = 100

type whyCmd struct {
	storeFlags
	User     string   `help:"Your own id of the user, or Tearoff's (usr_…)."`
	Email    string   `help:"The user by e-mail instead."`
	Cart     string   `help:"File with the cart, as JSON." required:"" placeholder:"FILE"`
	Code     []string `help:"A code as it was typed; may be repeated." sep:"none"`
	Coupon   []string `help:"A coupon of the user; may be repeated." placeholder:"CPN_ID"`
	Batch    []string `help:"A batch whose coupons are issued when they are used; may be repeated. Without code, coupon and batch: the wallet and the auto batches, as in a quote." placeholder:"BAT_ID"`
	At       string   `help:"The instant to judge for (RFC 3339), or a date: its first instant in UTC. Now by default."`
	Merchant string   `help:"Look with the eyes of this merchant's keys, which see its batches only."`
	JSON     bool     `help:"Print the answer as JSON, amounts in minor units."`
	factFlags
}

// Run implements kong's command.
func (c *whyCmd) Run(ctx context.Context, log *slog.Logger, stdout io.Writer) error {
	if c.User == "" && c.Email == "" {
		return errors.New("give --user ID or --email ADDRESS")
	}
	at, err := readInstant(c.At, time.UTC)
	if err != nil {
		return err
	}
	cart, faults, err := readCart(c.Cart)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return faults
	}
	if c.SQLite != "" {
		if _, err := os.Stat(c.SQLite); err != nil {
			return err // opening it would make it
		}
	}
	return withStore(c.storeFlags, log, func(s *store.Store) error {
		answer, err := c.ask(ctx, s, cart, models.NewTime(at))
		if err != nil {
			return err
		}
		if c.JSON {
			err = json.NewEncoder(stdout).Encode(answer)
		} else {
			err = answer.write(stdout)
		}
		if err == nil && len(answer.absent) > 0 {
			return exitError{code: 1, err: errors.New(strings.Join(answer.absent, "; "))}
		}
		return err
	})
}

// whyAnswer is a quote with what it was judged by.
type whyAnswer struct {
	At     time.Time `json:"at"`
	UserID string    `json:"user_id,omitempty"` // "": nobody that the store knows
	rules.Quoted
	Subjects []subject `json:"subjects"` // one for each of Coupons that is there, in their order
	absent   []string  // what was named and isn't there
}

// ask judges as a quote does. Only what a quote hides from a storefront is told too.
func (c *whyCmd) ask(ctx context.Context, s *store.Store, cart models.Cart, at models.Time) (whyAnswer, error) {
	var answer whyAnswer
	ref := models.UserRef{ID: c.User, Email: c.Email}
	var err error
	answer.UserID, err = s.FindUser(ctx, ref)
	switch {
	case models.CodeOf(err) == models.CodeNotFound && !models.HasPrefix(c.User, models.PrefixUser):
		answer.absent = append(answer.absent, "there is no such user: judged as one who is new and has no coupons")
	case err != nil:
		return answer, err
	}
	found, err := s.Offers(ctx, c.query(answer.UserID, ref, cart, at))
	if err != nil {
		return answer, err
	}
	candidates := make([]rules.Candidate, len(found.Offers))
	for i, o := range found.Offers {
		if candidates[i], err = rules.CandidateOf(o, answer.UserID); err != nil {
			return answer, err
		}
		subject, err := subjectOf(ctx, s, o)
		if err != nil {
			return answer, err
		}
		answer.Subjects = append(answer.Subjects, subject)
	}
	answer.At = found.At.Time
	answer.Quoted, err = rules.Quote(rules.Checkout{Cart: cart, User: c.facts(), At: answer.At}, candidates)
	for _, missing := range found.Missing {
		refusal := missing.NotFound()
		answer.Coupons = append(answer.Coupons, rules.Verdict{CouponRef: missing, Status: rules.Inapplicable, Reason: models.RefusalOf(refusal)})
		answer.absent = append(answer.absent, fmt.Sprintf("%s: %s", refusal.Message, plain(missing.ID())))
	}
	return answer, err
}

// query is what a quote would look at.
func (c *whyCmd) query(userID string, ref models.UserRef, cart models.Cart, at models.Time) store.OfferQuery {
	q := store.OfferQuery{
		UserID: userID, LimitKeys: ref.LimitKeys(), MerchantID: c.Merchant, CouponIDs: c.Coupon, BatchIDs: c.Batch, At: at,
	}
	for _, text := range c.Code {
		q.Codes = append(q.Codes, models.CodeName(text))
	}
	if len(c.Code)+len(c.Coupon)+len(c.Batch) > 0 {
		return q
	}
	q.Wallet, q.Auto = walletAtMost, []string{c.Merchant}
	if c.Merchant == "" {
		q.Auto = cart.Merchants()
		if !slices.Contains(q.Auto, "") {
			q.Auto = append(q.Auto, "")
		}
	}
	return q
}

// write writes what each coupon is and how much of its bounds is used, and then the verdicts.
func (a whyAnswer) write(w io.Writer) error {
	user := a.UserID
	if user == "" {
		user = "unknown user"
	}
	fmt.Fprintf(w, "%s, %s\n\n", user, localTime(a.At, time.UTC))
	zones := map[string]*time.Location{}
	for _, s := range a.Subjects {
		zones[s.ID()] = s.zone
		fmt.Fprintln(w, plain(s.ID()))
		if err := table(w, "  ", s.rows(a.At)); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	return quoteTable{Quoted: a.Quoted, zones: zones}.write(w)
}
