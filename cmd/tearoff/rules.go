package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

type rulesCmd struct {
	Explain rulesExplainCmd `cmd:"" help:"Say what a cart costs with coupons of these rules, and why a coupon is not used. Needs no store."`
	Check   rulesCheckCmd   `cmd:"" help:"Check rules; exits with 1 when one is faulty."`
}

// factFlags say what is known of who buys.
type factFlags struct {
	FirstOrder bool     `help:"The user has not ordered before."`
	Tag        []string `help:"A tag of the user; may be repeated." sep:"none"`
}

func (f factFlags) facts() models.UserFacts {
	return models.UserFacts{FirstOrder: f.FirstOrder, Tags: f.Tag}
}

type rulesExplainCmd struct {
	Rules    []string `arg:"" name:"rule" help:"Files with one rule each, as JSON. A coupon is named after its file."`
	Cart     string   `help:"File with the cart, as JSON." required:"" placeholder:"FILE"`
	Currency string   `help:"Currency of the coupons; the cart's by default."`
	Zone     string   `help:"Time zone of the coupons." default:"UTC"`
	At       string   `help:"The instant to judge hours and expressions for (RFC 3339), or a date: its first instant in the zone. Now by default."`
	Merchant string   `help:"Merchant of the coupons; none is the platform."`
	Face     int64    `help:"Face value of random_amount coupons, in minor units; the least of the rule by default."`
	JSON     bool     `help:"Print the answer as JSON, amounts in minor units."`
	factFlags
}

// Run implements kong's command.
func (c *rulesExplainCmd) Run(stdout io.Writer) error {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return errors.New("--zone: must be an IANA name, such as Europe/Berlin")
	}
	at, err := readInstant(c.At, zone)
	if err != nil {
		return err
	}
	if at.IsZero() {
		at = time.Now()
	}
	cart, candidates, err := c.read(zone)
	if err != nil {
		return err
	}
	quoted, err := rules.Quote(rules.Checkout{Cart: cart, User: c.facts(), At: at}, candidates)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(stdout).Encode(struct {
			At time.Time `json:"at"`
			rules.Quoted
		}{at.UTC(), quoted})
	}
	return quoteTable{Quoted: quoted}.write(stdout)
}

// read reads all files; the error names every fault of all of them.
func (c *rulesExplainCmd) read(zone *time.Location) (models.Cart, []rules.Candidate, error) {
	cart, faults, err := readCart(c.Cart)
	if err != nil {
		return cart, nil, err
	}
	currency := cart.Currency
	if c.Currency != "" {
		currency = models.Currency(c.Currency)
	}
	if len(faults) == 0 && !currency.Valid() {
		return cart, nil, errors.New("--currency: must be an ISO 4217 code")
	}
	candidates := make([]rules.Candidate, 0, len(c.Rules))
	names := couponNames(c.Rules)
	for i, path := range c.Rules {
		rule, more, err := readRule(path)
		if err != nil {
			return cart, nil, err
		}
		faults = append(faults, more...)
		face, err := c.face(rule)
		if err != nil {
			return cart, nil, err
		}
		candidates = append(candidates, rules.Candidate{
			CouponRef: models.CouponRef{CouponID: names[i], BatchID: names[i]}, MerchantID: c.Merchant,
			Rule: rule, Currency: currency, Zone: zone, FaceValue: face,
		})
	}
	if len(faults) > 0 {
		return cart, nil, faults
	}
	return cart, candidates, nil
}

// face is what a coupon of the rule is worth, 0 when the rule draws nothing.
func (c *rulesExplainCmd) face(r *rules.Rule) (int64, error) {
	least, most := r.Face()
	switch {
	case least == 0 || c.Face == 0:
		return least, nil
	case c.Face < least || c.Face > most:
		return 0, fmt.Errorf("--face: must be %d to %d, which the rule draws", least, most)
	}
	return c.Face, nil
}

// couponNames are those of the files without folder and ending, or the paths as they were given where names repeat.
func couponNames(paths []string) []string {
	names := make([]string, len(paths))
	count := map[string]int{}
	for i, path := range paths {
		names[i] = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		count[names[i]]++
	}
	for i, path := range paths {
		if count[names[i]] > 1 {
			names[i] = path
		}
	}
	return names
}

type rulesCheckCmd struct {
	Rules []string `arg:"" name:"rule" help:"Files with one rule each, as JSON."`
}

// Run implements kong's command.
func (c *rulesCheckCmd) Run(stdout io.Writer) error {
	failed := false
	for _, path := range c.Rules {
		_, faults, err := readRule(path)
		if err != nil {
			faults = faultsError{err.Error()}
		}
		failed = failed || len(faults) > 0
		for _, fault := range faults {
			fmt.Fprintln(stdout, fault)
		}
		if len(faults) == 0 {
			fmt.Fprintf(stdout, "%s: ok\n", path)
		}
	}
	if failed {
		return exitError{code: 1}
	}
	return nil
}
