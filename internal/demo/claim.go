package demo

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// coupon is a coupon as the API shows it.
type coupon struct {
	ID    string             `json:"id"`
	State models.CouponState `json:"state"`
}

// claimed is a claim and its answer.
type claimed struct {
	user   shop.User
	key    string
	coupon coupon
	err    error
}

// claim asks for a coupon of an offer.
func (s *story) claim(ctx context.Context, offer string, user shop.User, key string) claimed {
	got, err := call[coupon](ctx, s.orders, request{Method: http.MethodPost, Path: "/v1/claims", Key: key, Body: map[string]any{
		"batch_id": s.batches[offer], "user": user.Ref(),
	}})
	return claimed{user: user, key: key, coupon: got, err: err}
}

// give gets the customer a coupon of each offer.
func (s *story) give(ctx context.Context, user shop.User, offers ...string) ([]string, error) {
	var ids []string
	for _, offer := range offers {
		c := s.claim(ctx, offer, user, "gift/"+offer+"/"+user.ID)
		if c.err != nil {
			return nil, c.err
		}
		ids = append(ids, c.coupon.ID)
	}
	return ids, nil
}

// wallet is all coupons of a customer.
func (s *story) wallet(ctx context.Context, user shop.User) ([]coupon, error) {
	type page struct {
		Items []coupon `json:"items"`
	}
	p, err := call[page](ctx, s.orders, request{Path: "/v1/users/" + url.PathEscape(user.ID) + "/coupons"})
	return p.Items, err
}

// checkCoupon checks where a coupon of the customer's wallet is.
func (s *story) checkCoupon(ctx context.Context, sc *scene, user shop.User, id string, want models.CouponState) error {
	coupons, err := s.wallet(ctx, user)
	if err != nil {
		return err
	}
	state := models.CouponState("not in the wallet")
	if at := slices.IndexFunc(coupons, func(c coupon) bool { return c.ID == id }); at >= 0 {
		state = coupons[at].State
	}
	check(sc, "coupon", want, state)
	return nil
}

// rush lets 500 customers claim at the same instant.
func (s *story) rush(ctx context.Context, sc *scene) error {
	began := time.Now()
	claims := s.claimAll(ctx, shop.FlashSale, s.shop.Users[:rushers])
	took := time.Since(began)

	answers, coupons := map[models.Code]int{}, map[string]bool{}
	for _, c := range claims {
		answers[codeOf(c.err)]++
		if c.err == nil {
			coupons[c.coupon.ID] = true
			s.winner = cmp.Or(s.winner, &c)
		}
	}
	sc.tell("%d answers in %.1f s", len(claims), took.Seconds())
	check(sc, "customers who got a coupon", 100, answers[""])
	check(sc, "different coupons", 100, len(coupons))
	check(sc, "customers who were told sold_out", rushers-100, answers[models.CodeSoldOut])

	b, err := call[struct {
		Counters struct {
			Issued    int64 `json:"issued"`
			Remaining int64 `json:"remaining"`
		} `json:"counters"`
	}](ctx, s.admin, request{Path: "/v1/admin/batches/" + s.batches[shop.FlashSale]})
	check(sc, "issued in the books", 100, b.Counters.Issued)
	check(sc, "remaining in the books", 0, b.Counters.Remaining)
	return err
}

// claimAll claims for all users at once: nobody starts before everybody is ready.
func (s *story) claimAll(ctx context.Context, offer string, users []shop.User) []claimed {
	claims := make([]claimed, len(users))
	start := make(chan struct{})
	var crowd sync.WaitGroup
	for i, user := range users {
		crowd.Go(func() {
			<-start
			claims[i] = s.claim(ctx, offer, user, "rush/"+user.ID)
		})
	}
	close(start)
	crowd.Wait()
	return claims
}

// claimAgain repeats a claim that was answered, and asks for a second coupon.
func (s *story) claimAgain(ctx context.Context, sc *scene) error {
	if s.winner == nil {
		sc.tell("nobody got a coupon")
		return nil
	}
	w := *s.winner
	sc.tell("%s has a coupon", w.user.Name)
	again := s.claim(ctx, shop.FlashSale, w.user, w.key)
	if again.err != nil {
		return again.err
	}
	check(sc, "the same request again gets the same coupon", w.coupon.ID, again.coupon.ID)
	// For a second after the rush everybody hears that the batch is sold out; then the user's own limit is judged first.
	refused, err := until(ctx, func(ctx context.Context) (models.Code, error) {
		return codeOf(s.claim(ctx, shop.FlashSale, w.user, "once more").err), nil
	}, func(code models.Code) bool { return code != models.CodeSoldOut })
	if err != nil {
		return err
	}
	check(sc, "another request is refused", models.CodeUserLimit, refused)
	coupons, err := s.wallet(ctx, w.user)
	check(sc, "coupons in the wallet", 1, len(coupons))
	return err
}
