package store

import (
	"context"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// CouponQuery asks for up to Limit coupons. Empty fields ask for any.
type CouponQuery struct {
	MerchantID string
	BatchID    string
	UserID     string
	CodeKey    string
	State      models.CouponState
	After      CouponMark // where the page before ended; zero: the first page
	Limit      int
}

// CouponMark is a coupon's place in a list. The order of a list is that of an index, so a page never sorts a batch.
type CouponMark struct{ First, Then string }

// Coupons lists coupons: of a user, of a code or of nobody in particular by id, of a batch by user and number, of a batch and
// a state by the end of their validity. A merchant or a state alone is CodeInvalidRequest: such a list would be looked for
// among all coupons there are.
func (s *Store) Coupons(ctx context.Context, q CouponQuery) ([]models.Coupon, error) {
	if q.BatchID+q.UserID+q.CodeKey == "" && q.MerchantID+string(q.State) != "" {
		return nil, models.NewError(models.CodeInvalidRequest, "name a batch, a user or a code").With("path", "query.batch_id")
	}
	db := s.db.WithContext(ctx)
	for _, f := range []struct {
		column string
		value  string
	}{{"batch_id", q.BatchID}, {"user_id", q.UserID}, {"code_key", q.CodeKey}, {"state", string(q.State)}} {
		if f.value != "" {
			db = db.Where(f.column+" = ?", f.value)
		}
	}
	if q.MerchantID != "" {
		db = db.Where("batch_id IN (SELECT id FROM batches WHERE merchant_id = ?)", q.MerchantID)
	}
	var coupons []models.Coupon
	err := q.paged(db).Limit(q.Limit).Find(&coupons).Error
	return coupons, asError(err)
}

func (q CouponQuery) paged(db *gorm.DB) *gorm.DB {
	first, then := q.orderedBy()
	if first == "" {
		return db.Where("id > ?", q.After.Then).Order("id")
	}
	if q.After.Then != "" {
		db = db.Where(first+" > ? OR ("+first+" = ? AND "+then+" > ?)", q.After.First, q.After.First, q.After.Then)
	}
	return db.Order(first + ", " + then)
}

// orderedBy are the columns of the list's order; the first may be "".
func (q CouponQuery) orderedBy() (first, then string) {
	switch {
	case q.BatchID == "" || q.UserID != "" || q.CodeKey != "":
		return "", "id"
	case q.State != "":
		return "valid_until", "id"
	default:
		return "user_id", "ordinal"
	}
}

// Mark is the coupon's place in the list that the query asks for.
func (q CouponQuery) Mark(c models.Coupon) CouponMark {
	switch first, _ := q.orderedBy(); first {
	case "user_id":
		return CouponMark{c.UserID, strconv.Itoa(c.Ordinal)}
	case "valid_until":
		return CouponMark{c.ValidUntil.Format(markTime), c.ID}
	default:
		return CouponMark{Then: c.ID}
	}
}

// markTime is how the store writes instants.
const markTime = "2006-01-02 15:04:05.000000"

// Coupon returns a coupon, or CodeNotFound.
func (s *Store) Coupon(ctx context.Context, id string) (models.Coupon, error) {
	var c models.Coupon
	err := s.db.WithContext(ctx).Take(&c, "id = ?", id).Error
	return c, notFound(err, "coupon")
}

// CouponEvent is one entry of a coupon's history with why it was written.
type CouponEvent struct {
	models.LedgerEntry
	Deed    *models.AuditRecord // who did it and why; nil: nobody's deed
	Outcome *models.Code        // of the redemption, when it was cancelled: why
	OrderID *string             // of the redemption
}

// CouponHistory returns everything that happened to a coupon, oldest first.
func (s *Store) CouponHistory(ctx context.Context, id string) ([]CouponEvent, error) {
	db := s.db.WithContext(ctx)
	var entries []models.LedgerEntry
	if err := db.Order("coupon_seq").Find(&entries, "coupon_id = ?", id).Error; err != nil {
		return nil, asError(err)
	}
	var deeds, redemptions []string
	for _, e := range entries {
		if e.AuditID != nil {
			deeds = append(deeds, *e.AuditID)
		}
		if e.RedemptionID != nil {
			redemptions = append(redemptions, *e.RedemptionID)
		}
	}
	records, err := byID(db, deeds, func(r models.AuditRecord) string { return r.ID })
	if err != nil {
		return nil, err
	}
	of, err := byID(db, redemptions, func(r models.Redemption) string { return r.ID })
	if err != nil {
		return nil, err
	}
	events := make([]CouponEvent, len(entries))
	for i, e := range entries {
		events[i].LedgerEntry = e
		if r, ok := records[deref(e.AuditID)]; ok {
			events[i].Deed = &r
		}
		if r, ok := of[deref(e.RedemptionID)]; ok {
			events[i].Outcome, events[i].OrderID = r.Outcome, r.OrderID
		}
	}
	return events, nil
}

// byID reads rows by their ids.
func byID[T any](db *gorm.DB, ids []string, id func(T) string) (map[string]T, error) {
	found := map[string]T{}
	if len(ids) == 0 {
		return found, nil
	}
	err := inSlices(ids, func(ids []string) error {
		var rows []T
		err := db.Find(&rows, "id IN ?", ids).Error
		for _, r := range rows {
			found[id(r)] = r
		}
		return err
	})
	return found, asError(err)
}

// Marks reports whether the mark can be of the list that the query asks for.
func (q CouponQuery) Marks(m CouponMark) bool {
	switch first, _ := q.orderedBy(); first {
	case "user_id":
		_, err := strconv.Atoi(m.Then)
		return err == nil && models.IsID(m.First, models.PrefixUser)
	case "valid_until":
		_, err := time.Parse(markTime, m.First)
		return err == nil && models.IsID(m.Then, models.PrefixCoupon)
	default:
		return m.First == "" && models.IsID(m.Then, models.PrefixCoupon)
	}
}
