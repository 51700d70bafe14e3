package store_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// twin is a world of its own that a script of operations is played in. Two twins that played the same look the same.
//
// The operations of a script, with what is in brackets left away at will:
//
//	claim u0 k1                 a coupon for user 0 by key k1; own2 is the key of coupon 2 of those that are owned
//	open u0 own2 [key=k1 order=o1 of=x]  a hold on coupon 2 of those that are owned; other content by of=
//	open u0 code1 […]           a hold that issues a coupon by code 1
//	confirm #3 [o1] [anyway] · cancel #3   the hold that the fourth "open" opened; anyway accepts an overrun
//	change #3 own1 own2=700 code1          the same with these coupons, as it was before the block
//	lapse #3                    runs out; in a block of its own
//	try t0 · use t0 · free t0   coupons of one of the orchestrated redemptions: t… TRYING, c… COMMITTED, x… CANCELLING
type twin struct {
	t       *testing.T
	s       *store.Store
	caller  string
	claimed *world // its batch is claimed
	issued  *world // its coupons are issued on use
	users   []string
	own     []models.Coupon
	codes   []string
	opened  []string // ids of the holds by "open"
	others  map[string]string
	names   map[string]string            // of ids
	before  map[string]models.Redemption // holds as they were before the block, by id
	wanted  int                          // coupons that are to be issued
	seen    int                          // ids that the store made
}

func newTwin(t *testing.T, s *store.Store) *twin {
	t.Helper()
	use := func(n int64) models.Cap { return models.Cap{Uses: &n} }
	tw := &twin{t: t, s: s, caller: storetest.Name("twin"), others: map[string]string{}, names: map[string]string{}}
	tw.claimed = newWorld(t, s, storetest.BatchSpec{Quantity: 18, ClaimsPerUser: 12, Caps: models.Caps{
		Batch: models.Cap{Amount: new(int64(9 * 500))}, User: use(6), UserDay: use(5),
	}})
	spec := onUse
	spec.Quantity, spec.ClaimsPerUser, spec.Caps = 7, 7, models.Caps{User: use(7)}
	tw.issued = newWorld(t, s, spec)
	tw.issued.user = tw.issued.mailUser()
	tw.users = []string{tw.issued.user, tw.issued.mailUser()}
	tw.others["rdm_nobody"] = "nobody"
	for n, u := range tw.users {
		tw.names[u] = fmt.Sprint("u", n)
		for range 4 {
			name := fmt.Sprint("own", len(tw.own))
			out, err := s.Claim(t.Context(), []store.ClaimRequest{{Caller: tw.caller, Key: name, BatchID: tw.claimed.batch.ID, UserID: u}})
			require.NoError(t, err)
			tw.own, tw.names[out[0].Coupon.ID] = append(tw.own, *out[0].Coupon), name
		}
	}
	tw.claimed.user = tw.users[0]
	for n := range 3 {
		tw.codes = append(tw.codes, tw.issued.Code(tw.issued.batch.ID, 2))
		tw.names[tw.codes[n]] = fmt.Sprint("code", n)
	}
	for _, at := range []stage{"tTRYING", "cCOMMITTED", "xCANCELLING"} {
		name, at := at[:1], at[1:]
		for n, w := range []*world{tw.claimed, tw.issued} {
			id := w.at(at, 1)[0]
			tw.others[fmt.Sprint(name, n)], tw.names[id] = id, fmt.Sprint(name, n)
			coupon := query(t, s, "SELECT coupon_id FROM redemption_lines WHERE redemption_id = ?", id)[0]
			tw.names[coupon] = fmt.Sprint("coupon of ", name, n)
		}
	}
	tw.names[tw.claimed.batch.ID], tw.names[tw.issued.batch.ID] = "claimed", "issued"
	return tw
}

// play performs the lines of a script in slices of its blocks, or one by one, and returns the answers.
func (tw *twin) play(script [][]string, oneByOne bool) [][]string {
	tw.t.Helper()
	answers := make([][]string, len(script))
	for i, block := range script {
		parts := [][]string{block}
		if oneByOne {
			parts = nil
			for _, line := range block {
				parts = append(parts, []string{line})
			}
		}
		known := tw.opened // a block names holds of those before it only
		if strings.HasPrefix(block[0], "lapse") {
			tw.lapse(block[0], known)
			continue
		}
		tw.look(block)
		for _, lines := range parts {
			ops := make([]store.Operation, len(lines))
			for n, line := range lines {
				ops[n] = tw.operation(line, known)
			}
			outcomes, err := tw.s.Perform(tw.t.Context(), ops)
			require.NoError(tw.t, err)
			for n, o := range outcomes {
				if ops[n].OpenHold != nil {
					tw.opened = append(tw.opened, o.Redemption.Redemption.ID)
				}
				tw.nameIssued(o)
				answers[i] = append(answers[i], tw.answer(o))
			}
		}
	}
	return answers
}

func (tw *twin) operation(line string, opened []string) store.Operation {
	words := strings.Fields(line)
	id := func() string { return tw.id(words[1], opened) }
	switch words[0] {
	case "claim":
		return store.Operation{Claim: &store.ClaimRequest{
			Caller: tw.caller, Key: words[2], BatchID: tw.claimed.batch.ID, UserID: tw.users[tw.number(words[1][1:])],
		}}
	case "open":
		plan := tw.plan(words[1:])
		return store.Operation{OpenHold: &plan}
	case "confirm":
		confirm := store.HoldConfirm{ID: id()}
		for _, word := range words[2:] {
			if confirm.AcceptOverrun = word == "anyway"; !confirm.AcceptOverrun {
				confirm.OrderID = &word
			}
		}
		return store.Operation{ConfirmHold: &confirm}
	case "change":
		return store.Operation{ChangeHold: new(tw.change(id(), words[2:]))}
	case "cancel":
		return store.Operation{CancelHold: id()}
	case "try":
		return store.Operation{Try: id()}
	case "use":
		return store.Operation{Confirm: id()}
	case "free":
		return store.Operation{Cancel: id()}
	}
	panic(line)
}

// id is that of a hold of those that were opened, or of another redemption.
func (tw *twin) id(word string, opened []string) string {
	number, hold := strings.CutPrefix(word, "#")
	if !hold {
		return tw.others[word]
	}
	if n := tw.number(number); n < len(opened) && opened[n] != "" {
		return opened[n]
	}
	return "rdm_nobody"
}

func (tw *twin) number(word string) int {
	n, err := strconv.Atoi(word)
	require.NoError(tw.t, err)
	return n
}

func (tw *twin) plan(words []string) models.Plan {
	p := tw.claimed.PlanFor(models.KindHold, tw.users[tw.number(words[0][1:])])
	if n, own := strings.CutPrefix(words[1], "own"); own {
		c := tw.own[tw.number(n)]
		user := p.Redemption.UserID
		p = tw.claimed.Plan(models.KindHold, c)
		p.Redemption.UserID = user
	} else {
		p = tw.issued.Issuing(p, tw.issued.batch.ID, tw.codes[tw.number(words[1][4:])])
		id := p.Lines[0].CouponID
		tw.wanted++
		tw.names[id] = fmt.Sprint("issued", tw.wanted)
	}
	p.Redemption.Caller, p.Redemption.OrderID, p.Redemption.Fingerprint = tw.caller, nil, models.Hash(words[0], words[1])
	for _, word := range words[2:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "key":
			p.Redemption.IdemKey = &value
		case "order":
			p.Redemption.OrderID = &value
		case "of":
			p.Redemption.Fingerprint = models.Hash(words[0], words[1], value)
		}
	}
	return p
}
