package api_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// crowd sends so many requests at once and counts their statuses.
func crowd(n int, send func(i int) answer) map[int]int {
	var (
		all sync.WaitGroup
		mu  sync.Mutex
	)
	statuses := map[int]int{}
	for i := range n {
		all.Go(func() {
			status := send(i).status
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	all.Wait()
	return statuses
}

// A new name beside an old one begins nothing anew, whichever of them is new.
func TestGuardCountsEveryName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		code := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0)
		as := func(user doc) func(*request) {
			return func(r *request) { r.body = r.body.(doc).with(doc{"user": user}) }
		}
		known := storetest.Name("victim") + "@example.com"
		id := b.UserNamed(models.UserRef{Email: known})
		for range models.UserGuesses {
			b.types(storetest.Name("wrong"), "", as(doc{"id": storetest.Name("new"), "email": known})).problem(422, models.CodeNotValid)
		}
		b.types(code, "", as(doc{"id": storetest.Name("new"), "email": known})).tooMany()
		b.types(code, "", as(doc{"email": known, "device": storetest.Name("device")})).tooMany()
		b.types(code, "", as(doc{"id": id})).tooMany()

		device := storetest.Name("device")
		for range models.UserGuesses {
			b.types(storetest.Name("wrong"), "", as(doc{"id": storetest.Name("new"), "device": device})).problem(422, models.CodeNotValid)
		}
		b.types(code, "", as(doc{"id": storetest.Name("new"), "device": device})).tooMany()
		b.types(code, storetest.Name("neighbour")).ok(201)
	})
}

// Whoever can name a user can't lock the user out: not elsewhere, and not at the order service.
func TestGuardStopsNobodyElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		code := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared, ClaimMode: models.ClaimModeOnUse}).ID, 0)
		claimed := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0)
		victim := storetest.Name("victim")
		b.UserNamed(models.UserRef{ID: victim})
		for range models.UserGuesses {
			b.types(storetest.Name("wrong"), victim).problem(422, models.CodeNotValid)
		}
		b.types(claimed, victim).tooMany()
		b.types(claimed, victim, elsewhere).ok(201)
		b.send(request{route: "POST /v1/holds", as: models.RoleServer, body: doc{
			"user": doc{"id": victim}, "cart": cart(5000), "codes": []string{code},
		}}).ok(201)
	})
}

// A cart that is priced again and again with a code that is over stops nobody, and one that is stopped has a price still.
func TestGuardLetsCartsBePriced(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		code, user, stale := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0), storetest.Name("user"), storetest.Name("stale")
		for range 2 * models.UserGuesses {
			require.Equal(t, "INAPPLICABLE code_not_valid", verdictsOf(b.quotes(user, []string{stale}).ok(200))[models.CodeKey(stale)])
		}
		b.types(stale, user).problem(422, models.CodeNotValid)
		b.types(code, user).ok(201)

		for range models.UserGuesses {
			b.quotes(user, []string{storetest.Name("wrong")}).ok(200)
		}
		limited := b.quotes(user, []string{code, stale}).ok(200)
		require.Equal(t, "INAPPLICABLE too_many_attempts", verdictsOf(limited)[code])
		require.Equal(t, "INAPPLICABLE too_many_attempts", verdictsOf(limited)[models.CodeKey(stale)])
		require.EqualValues(t, 5000, limited.amount("best", "totals", "goods"))
	})
}

// One wrong code that everybody types, because it was printed so, counts once at an address and with a key.
func TestGuardCountsCodesOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		printed := storetest.Name("printed")
		for range 2 * models.AddressSuspect {
			b.types(printed, storetest.Name("user")).problem(422, models.CodeNotValid)
		}
		where := models.GuessAddress(b.address)
		counted, err := s.Guesses(t.Context(), []string{where})
		require.NoError(t, err)
		assert.Equal(t, map[string]float64{where: 1}, counted)
	})
}

// Many wrong codes with one key end no campaign: they only make addresses tighter that wrong codes come from.
func TestGuardOfAKey(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	code := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0)
	k, err := b.Store.Key(t.Context(), b.keys[models.RoleStorefront])
	require.NoError(t, err)
	wrong := make([]string, models.KeyGuesses)
	for i := range wrong {
		wrong[i] = storetest.Name("wrong")
	}
	_, err = b.Store.AddGuesses(t.Context(), models.GuessedBy{Key: models.GuessKey(k.ID)}, wrong)
	require.NoError(t, err)
	b.types(code, storetest.Name("new")).ok(201)
	b.guesses(models.AddressGuesses/models.KeyTightens, 1)
	b.types(code, storetest.Name("new")).tooMany()
	b.types(code, storetest.Name("new"), elsewhere).ok(201)
}

// A crowd of guesses from an address with a clean record, each in another name, gets no more looks than one after the other.
func TestGuardOfACrowdOfNames(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	statuses := crowd(3*models.AddressGuesses, func(int) answer { return b.types(storetest.Name("wrong"), storetest.Name("new")) })
	assert.LessOrEqual(t, statuses[http.StatusUnprocessableEntity], models.AddressGuesses)
	assert.Equal(t, 3*models.AddressGuesses, statuses[http.StatusUnprocessableEntity]+statuses[http.StatusTooManyRequests], statuses)
}

// A crowd of customers at one address, all of them with right codes, is served to the last.
func TestGuardOfACrowdOfCustomers(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	code, known := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0), storetest.Name("known")
	statuses := crowd(2*models.AddressGuesses, func(int) answer { return b.types(code, storetest.Name("new")) })
	assert.Equal(t, map[int]int{http.StatusCreated: 2 * models.AddressGuesses}, statuses)
	statuses = crowd(3*models.UserGuesses, func(int) answer { return b.types(code, known) })
	assert.Equal(t, map[int]int{http.StatusCreated: 3 * models.UserGuesses}, statuses)
}

// Guessing is cut off while it goes on, and a customer behind the same address gets the coupon then, at the first try.
func TestGuardWhileGuessingGoesOn(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.MySQL(t))
	code, customer := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0), storetest.Name("customer")
	b.isKnown(customer)
	var (
		looked atomic.Int64
		cutOff = make(chan struct{})
		end    = make(chan struct{})
		once   sync.Once
		all    sync.WaitGroup
	)
	const guessers = 8
	for range guessers {
		all.Go(func() {
			for {
				switch b.types(storetest.Name("wrong"), storetest.Name("guesser")).status {
				case http.StatusUnprocessableEntity:
					looked.Add(1)
				case http.StatusTooManyRequests:
					once.Do(func() { close(cutOff) })
				}
				select {
				case <-end:
					return
				default:
				}
			}
		})
	}
	<-cutOff
	got := b.types(code, customer)
	close(end)
	all.Wait()
	got.ok(http.StatusCreated)
	assert.LessOrEqual(t, looked.Load(), int64(models.AddressGuesses))
	assert.GreaterOrEqual(t, looked.Load(), int64(models.AddressGuesses-guessers), "for a second the guard may count some twice that were under way when it asked the store")
}

// What there is to a code that can't be used shows neither in how it is called, nor in its place, nor in how long it takes.
func TestDeadCodesAreUnknownOnes(t *testing.T) {
	t.Parallel()
	const takes = 30 * time.Millisecond
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s, func(c *api.Config) { c.WrongCodeTakes = takes })
		live := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared, ClaimMode: models.ClaimModeOnUse}).ID, 0)
		dead, unknown := b.Code(b.Batch(storetest.BatchSpec{Codes: models.CodesShared}).ID, 0), storetest.Name("unknown")
		off := false
		_, err := s.ChangeCode(t.Context(), store.CodeChange{CodeKey: dead, Active: &off})
		require.NoError(t, err)
		began := time.Now()
		quoted := b.quotes(storetest.Name("user"), []string{dead, live, unknown}).ok(200)
		assert.GreaterOrEqual(t, time.Since(began), takes)
		var codes []string
		for i := range quoted["coupons"].([]any) {
			codes = append(codes, quoted.text("coupons", i, "code"))
		}
		assert.Equal(t, []string{live, dead, models.CodeKey(unknown)}, codes)
		for _, code := range []string{dead, unknown} {
			began = time.Now()
			b.types(code, storetest.Name("user")).problem(422, models.CodeNotValid)
			assert.GreaterOrEqual(t, time.Since(began), takes, code)
		}
	})
}

// A code that looks like one that there is, which Tearoff didn't make, is another code, and wrong.
func TestLookAlikesOfOwnCodesAreWrong(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		batch := b.Batch(storetest.BatchSpec{ClaimMode: models.ClaimModeOnUse, Codes: models.CodesShared})
		code := "0" + strings.ToUpper(models.NewID("c")[2:])
		_, err := s.CreateCodes(t.Context(), batch.ID, []models.CouponCode{{Kind: models.CodesShared, Display: code, Active: true}}, models.AuditRecord{})
		require.NoError(t, err)
		alike := "O" + code[1:]
		require.Equal(t, code, models.CodeFold(alike))
		verdicts := verdictsOf(b.quotes(storetest.Name("user"), []string{code, alike}).ok(200))
		require.Equal(t, "APPLICABLE ", verdicts[code])
		require.Equal(t, "INAPPLICABLE code_not_valid", verdicts[alike])
	})
}
