package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// story is what the steps share.
type story struct {
	servers  *servers
	shop     shop.Shop
	admin    *client           // with the admin's key
	orders   *client           // with the order service's key
	batches  map[string]string // id of each offer's batch
	met      int               // customers who have had a part of their own
	winner   *claimed          // one of the rush
	bank     *bank
	remindAt time.Time // when those with a coupon of the letter are reminded; zero: nobody has one
}

// step is one part of the story.
type step struct {
	name string
	play func(s *story, ctx context.Context, sc *scene) error
}

var steps = []step{
	{"The shop opens: rules and batches are posted and published", (*story).open},
	{"A batch of 100, claimed by 500 customers at once", (*story).rush},
	{"A second claim of the same customer", (*story).claimAgain},
	{"Who wants letters comes from a file, with a mistake in it", (*story).importUsers},
	{"A letter to 120 customers, with 100 coupons", (*story).distribute},
	{"Codes for a magazine: made, printed, typed and guessed", (*story).magazine},
	{"The warehouse listens, and is down at first", (*story).tell},
	{"A quote: the best combination, and why not the others", (*story).quote},
	{"A hold, confirmed by a shop that takes the payment itself", (*story).holdAndConfirm},
	{"A hold that nobody confirms", (*story).holdAndForget},
	{"A public code with one use: an abandoned checkout costs nothing", (*story).codeAndForget},
	{"Redeem and pay", (*story).redeem},
	{"A declined card, and the same coupon again", (*story).decline},
	{"Pay later: the bank calls back", (*story).payLater},
	{"Never paid: the timer gives everything back", (*story).neverPaid},
	{"A payment whose answer is lost", (*story).loseAnswers},
	{"An order service starts the workflow with Temporal's SDK", (*story).orderService},
	{"An order service takes part: the order is in its own book", (*story).ownOrders},
	{"An order service takes the money, too: no provider is asked", (*story).ownPayments},
	{"A part of an order comes back, and then the rest", (*story).refund},
	{"A refund that the bank takes its time for, over a restart", (*story).slowRefund},
	{"The worker is killed in the middle of redemptions", (*story).crash},
	{"A stuck redemption is found and resolved", (*story).stuck},
	{"Before a coupon ends: everybody is reminded once", (*story).remind},
	{"The audit: do the books agree?", (*story).audit},
}

// play tells the whole story. A step that breaks off or differs doesn't end it; the end of ctx does.
func play(ctx context.Context, at *servers, told *teller) error {
	loaded, err := shop.Load()
	if err != nil {
		return err
	}
	books, err := openBank(at.at.SQLite)
	if err != nil {
		return err
	}
	defer books.close()
	s := &story{servers: at, shop: loaded, bank: books, admin: newClient(at.at.API, at.at.Key), batches: map[string]string{}}
	for _, step := range steps {
		sc := told.scene(step.name)
		sc.ends(step.play(s, ctx, sc))
		if ctx.Err() != nil {
			return fmt.Errorf("demo: broken off: %w", context.Cause(ctx))
		}
	}
	return nil
}

// open brings the shop's offers to Tearoff, as the shop's admin would, and lets its order service in.
func (s *story) open(ctx context.Context, sc *scene) error {
	type key struct {
		Secret string `json:"secret"`
	}
	made, err := call[key](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/keys", Body: map[string]any{
		"name": "order service of the shop", "role": models.RoleServer, "caller": orderServiceCaller, "reason": "the shop opens",
	}})
	if err != nil {
		return err
	}
	s.orders = s.admin.with(made.Secret)
	sc.tell("%d products, %d categories, %d merchants, %d customers", len(s.shop.Products), len(s.shop.Categories), len(s.shop.Merchants), len(s.shop.Users))
	for _, offer := range s.shop.Offers {
		state, err := s.publish(ctx, offer)
		if err != nil {
			return err
		}
		check(sc, offer.Name, models.BatchActive, state)
	}
	return nil
}

// orderServiceCaller is the name that examples/orderservice goes by. The shop's key shares it, so that the redemptions of
// both are found with it.
const orderServiceCaller = "orderservice"

func (s *story) publish(ctx context.Context, offer shop.Offer) (state models.BatchState, err error) {
	type rule struct {
		ID      string `json:"id"`
		Version int    `json:"version"`
	}
	type batch struct {
		ID    string            `json:"id"`
		State models.BatchState `json:"state"`
	}
	posted, err := call[rule](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/rules", Body: offer.Rule})
	if err != nil {
		return "", err
	}
	var body json.RawMessage
	if body, err = offer.WithRule(posted.ID, posted.Version); err != nil {
		return "", err
	}
	draft, err := call[batch](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/batches", Body: body})
	if err != nil {
		return "", err
	}
	s.batches[offer.Name] = draft.ID
	live, err := call[batch](ctx, s.admin, request{
		Method: http.MethodPost, Path: "/v1/admin/batches/" + draft.ID + "/publish", Body: map[string]any{"reason": "the shop opens"},
	})
	return live.State, err
}

// rushers is how many customers take part in the rush; those after them have parts of their own.
const rushers = 500

// customer is one who has had no part yet.
func (s *story) customer() shop.User {
	s.met++
	return s.shop.Users[rushers+s.met-1]
}
