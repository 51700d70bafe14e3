package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// BenchmarkDistribution gives a coupon to each of many users, range by range, beside plain INSERTs of the same rows in statements
// of the same size: coupons, ledger entries and members. One iteration is one user.
func BenchmarkDistribution(b *testing.B) {
	for _, size := range []int{200, 500, 1000} {
		b.Run(fmt.Sprint("range=", size), func(b *testing.B) {
			s := storetest.MySQL(b)
			f := storetest.New(b, s)
			batch := f.Batch(storetest.BatchSpec{Quantity: int64(b.N), ClaimsPerUser: 1})
			users := crowdOf(b, s, b.N)
			b.ResetTimer()
			out, err := s.CreateDistribution(b.Context(), store.NewDistribution{
				Distribution: models.Distribution{BatchID: batch.ID, Caller: "bench"}, UserIDs: users,
			})
			must(b, err)
			_, err = s.BeginDistribution(b.Context(), out.ID)
			must(b, err)
			locked := []time.Duration{0}
			for {
				did, err := s.IssueRange(b.Context(), out.ID, size)
				must(b, err)
				if did.Judged == 0 {
					break
				}
				locked = append(locked, did.Locked)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
			slices.Sort(locked)
			b.ReportMetric(float64(locked[len(locked)*99/100].Microseconds())/1000, "lock-p99-ms")
			b.ReportMetric(float64(locked[len(locked)/2].Microseconds())/1000, "lock-p50-ms")
		})
		b.Run(fmt.Sprint("plain=", size), func(b *testing.B) {
			s := storetest.MySQL(b)
			users := crowdOf(b, s, b.N)
			plain := newPlainRows(b, s)
			b.ResetTimer()
			for some := range slices.Chunk(users, size) {
				plain.insert(b, some)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
		})
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// plainRows are tables like those of coupons, ledger entries and members, without anything behind them.
type plainRows struct {
	s    *store.Store
	name string
	seq  int64
}

func newPlainRows(b *testing.B, s *store.Store) *plainRows {
	b.Helper()
	p := &plainRows{s: s, name: strings.NewReplacer("-", "_").Replace(storetest.Name("plain"))}
	for _, like := range []string{"coupons", "ledger_entries", "distribution_members"} {
		_, err := s.SQL().ExecContext(b.Context(), "CREATE TABLE "+p.name+like+" LIKE "+like)
		must(b, err)
	}
	return p
}

// insert writes the users' rows in one transaction.
func (p *plainRows) insert(b *testing.B, users []string) {
	b.Helper()
	tx, err := p.s.SQL().BeginTx(b.Context(), nil)
	must(b, err)
	defer func() { _ = tx.Rollback() }()
	var coupons, entries, members []any
	now := time.Now().UTC().Format("2006-01-02 15:04:05.000000")
	for _, user := range users {
		p.seq++
		id := models.NewID(models.PrefixCoupon)
		coupons = append(coupons, id, "bat_plain", "rul_plain", 1, user, 1, "AVAILABLE", 1, 0, nil, now, now, nil, "plain", "plain-plain-plain-plain-"+user[4:], 2, now)
		entries = append(entries, "bat_plain", p.seq, id, 1, user, "issued", 1, 0, "", nil, nil, now)
		members = append(members, "dst_plain", p.seq, user)
	}
	for _, rows := range []struct {
		into string
		of   int
		args []any
	}{
		{"coupons (id, batch_id, rule_id, rule_version, user_id, ordinal, state, seq, face_value, code_key, valid_from, valid_until, redemption_id, source, source_key, request_hash, created_at)", 17, coupons},
		{"ledger_entries (batch_id, batch_seq, coupon_id, coupon_seq, user_id, kind, `count`, amount, `day`, redemption_id, refund_id, `at`)", 12, entries},
		{"distribution_members (distribution_id, pos, user_id)", 3, members},
	} {
		one := ", (?" + strings.Repeat(", ?", rows.of-1) + ")"
		_, err := tx.ExecContext(b.Context(), "INSERT INTO "+p.name+rows.into+" VALUES "+strings.Repeat(one, len(users))[2:], rows.args...)
		must(b, err)
	}
	must(b, tx.Commit())
}
