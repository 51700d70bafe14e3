package store

import (
	"slices"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// insertAtOnce bounds the rows of one statement: more don't make it faster, and SQLite takes 32,766 values at most.
const insertAtOnce = 500

// table says how rows of T are written in bulk. gorm looks at each field of each row by reflection, which takes longer than
// the database does; TestInsertTables holds the columns here against gorm's.
type table[T any] struct {
	name    string
	columns []string
	// values appends what a row has in the columns.
	values func(args []any, row *T) []any
}

// The tables that are written in bulk.
var (
	couponTable = table[models.Coupon]{
		"coupons",
		[]string{
			"id", "batch_id", "rule_id", "rule_version", "user_id", "ordinal", "state", "seq", "face_value", "code_key",
			"valid_from", "valid_until", "redemption_id", "source", "source_key", "request_hash", "created_at",
		},
		func(args []any, c *models.Coupon) []any {
			return append(args, c.ID, c.BatchID, c.RuleID, c.RuleVersion, c.UserID, c.Ordinal, string(c.State), c.Seq, c.FaceValue, orNull(c.CodeKey),
				c.ValidFrom, c.ValidUntil, orNull(c.RedemptionID), c.Source, c.SourceKey, c.RequestHash, c.CreatedAt)
		},
	}
	entryTable = table[models.LedgerEntry]{
		"ledger_entries",
		[]string{
			"batch_id", "batch_seq", "coupon_id", "coupon_seq", "user_id", "kind", "`count`", "amount", "`day`", "redemption_id", "refund_id", "audit_id", "`at`",
		},
		func(args []any, e *models.LedgerEntry) []any {
			return append(args, e.BatchID, e.BatchSeq, orNull(e.CouponID), orNull(e.CouponSeq), orNull(e.UserID), string(e.Kind), e.Count, e.Amount,
				e.Day, orNull(e.RedemptionID), orNull(e.RefundID), orNull(e.AuditID), e.At)
		},
	}
	limitTable = table[models.CouponLimit]{
		"coupon_limits",
		[]string{"batch_id", "key_kind", "key_hash", "ordinal", "coupon_id"},
		func(args []any, l *models.CouponLimit) []any {
			return append(args, l.BatchID, string(l.KeyKind), l.KeyHash, l.Ordinal, l.CouponID)
		},
	}
	codeTable = table[models.CouponCode]{
		"codes",
		[]string{
			"code_key", "batch_id", "kind", "display", "label", "max_uses", "uses", "active", "`generated`", "valid_from", "valid_until", "seq",
			"created_at", "updated_at",
		},
		func(args []any, c *models.CouponCode) []any {
			return append(args, c.CodeKey, c.BatchID, string(c.Kind), c.Display, c.Label, orNull(c.MaxUses), c.Uses, c.Active, c.Generated,
				c.ValidFrom, c.ValidUntil, c.Seq, c.CreatedAt, c.UpdatedAt)
		},
	}
	messageTable = table[models.Message]{
		"messages",
		[]string{
			"id", "merchant_id", "user_id", "batch_id", "template_id", "template_version", "channel", "kind", "dedupe_key", "params", "state", "outcome",
			"attempts", "due_at", "send_until", "sent_at", "read_at", "seq", "created_at",
		},
		func(args []any, m *models.Message) []any {
			return append(args, m.ID, m.MerchantID, m.UserID, m.BatchID, m.TemplateID, m.TemplateVersion, string(m.Channel), string(m.Kind), m.DedupeKey,
				jsonOf(m.Params), string(m.State), string(m.Outcome), m.Attempts, m.DueAt, m.SendUntil, m.SentAt, m.ReadAt, m.Seq, m.CreatedAt)
		},
	}
	memberTable = table[models.DistributionMember]{
		"distribution_members",
		[]string{"distribution_id", "pos", "user_id"},
		func(args []any, m *models.DistributionMember) []any {
			return append(args, m.DistributionID, m.Pos, orNull(m.UserID))
		},
	}
	reminderTable = table[models.Reminder]{
		"reminders",
		[]string{"batch_id", "day", "user_id", "days_before", "coupons", "valid_until", "at"},
		func(args []any, r *models.Reminder) []any {
			return append(args, r.BatchID, r.Day, r.UserID, r.DaysBefore, r.Coupons, r.ValidUntil, r.At)
		},
	}
	skipTable = table[models.DistributionSkip]{
		"distribution_skips",
		[]string{"distribution_id", "pos", "user_id", "reason"},
		func(args []any, s *models.DistributionSkip) []any {
			return append(args, s.DistributionID, s.Pos, orNull(s.UserID), string(s.Reason))
		},
	}
)

// insert writes all rows, some hundred with each statement.
func insert[T any](tx *txn, into table[T], rows []*T) error {
	one := ", (?" + strings.Repeat(", ?", len(into.columns)-1) + ")"
	head := "INSERT INTO " + into.name + " (" + strings.Join(into.columns, ", ") + ") VALUES "
	args := make([]any, 0, min(len(rows), insertAtOnce)*len(into.columns))
	for some := range slices.Chunk(rows, insertAtOnce) {
		args = args[:0]
		for _, row := range some {
			args = into.values(args, row)
		}
		text := head + strings.Repeat(one, len(some))[2:]
		if _, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, text, args...); err != nil {
			return err
		}
	}
	return nil
}

// pointers to the elements of the list.
func pointers[T any](list []T) []*T {
	all := make([]*T, len(list))
	for i := range list {
		all[i] = &list[i]
	}
	return all
}
