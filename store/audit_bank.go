package store

import (
	"fmt"
	"strconv"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// builtinBank is the provider whose books are in this store.
const builtinBank = "builtin"

// atBank is what the built-in bank's books say of a redemption.
type atBank struct {
	charged int64 // by the payment that counts, and by all others less what was given back of those
	net     int64 // what the customer has paid and not got back, over all attempts
	given   span  // what was given back of the payment that counts
	// disputed is what the customer's bank has taken back of it.
	disputed int64
}

// span is an amount of which only bounds are known.
type span struct{ least, most int64 }

// String implements fmt.Stringer.
func (s span) String() string {
	if s.least == s.most {
		return strconv.FormatInt(s.least, 10)
	}
	return fmt.Sprintf("%d to %d", s.least, s.most)
}

func (s span) meets(other span) bool { return s.least <= other.most && other.least <= s.most }

// loadBank reads the bank's books of all attempts to pay.
func (s redemptionSlice) loadBank(db *gorm.DB, clock string) error {
	redemption := map[string]string{}
	var ourIDs, references []string
	for _, p := range s.payments {
		if p.Provider != builtinBank && p.Provider != models.ProviderCaller { // which must have charged nothing here
			continue
		}
		for attempt := 1; attempt <= p.Attempt; attempt++ {
			id := models.PaymentID(p.RedemptionID, attempt)
			ourIDs, redemption[id] = append(ourIDs, id), p.RedemptionID
		}
	}
	if len(ourIDs) == 0 {
		return nil
	}
	var rows []models.BankPayment
	if err := db.Find(&rows, "our_id IN ?", ourIDs).Error; err != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows {
		references = append(references, row.Reference)
	}
	refunds := map[string][]models.BankRefund{}
	err := eachOf(db.Where("payment IN ?", references), func(r models.BankRefund) { refunds[r.Payment] = append(refunds[r.Payment], r) })
	if err != nil {
		return err
	}
	var now models.Time
	if err := db.Raw(clock).Row().Scan(&now); err != nil { // after the rows: what is under way counts from its instant
		return err
	}
	for i := range rows {
		id := redemption[rows[i].OurID]
		s.atBank[id] = s.atBank[id].with(&rows[i], refunds[rows[i].Reference], deref(s.payments[id].Reference), now)
	}
	return nil
}

// with adds a payment as it stands now.
func (b atBank) with(p *models.BankPayment, refunds []models.BankRefund, reference string, now models.Time) atBank {
	p.Land(now)
	p.Settle(refunds, now)
	b.net += p.Charged()
	if p.Reference != reference {
		b.charged += p.Charged()
		return b
	}
	b.charged, b.disputed = b.charged+p.Captured, p.ChargedBack
	for _, r := range refunds {
		if r.State == models.ProviderRefundFailed {
			continue
		}
		b.given.most += r.Amount
		if r.Next != models.ProviderRefundFailed { // what is about to fail may already be known to have failed
			b.given.least += r.Amount
		}
	}
	return b
}

// givenBack is what the bank has to have given back for the refunds. Where an operator went on without its answer, or it has
// still to answer, that is between nothing and all.
func givenBack(refunds []RefundRow) (sum span) {
	for _, r := range refunds {
		writtenOff := r.Resolution != nil && r.Resolution.WriteOff
		switch {
		case r.Outcome != nil && *r.Outcome == models.CodeNotCharged:
		case r.State == models.RefundPaying, r.State == models.RefundSettling, r.State == models.RefundBounced, writtenOff:
			sum.most += r.Amount
		case r.State == models.RefundPaid, r.State == models.RefundDone:
			sum.least, sum.most = sum.least+r.Amount, sum.most+r.Amount
		}
	}
	return sum
}
