package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// BenchmarkAudiencePage walks through 200,000 users, of whom one in ten has the tag, in pages of 5,000. The baseline reads the
// ids alone.
func BenchmarkAudiencePage(b *testing.B) {
	const users, page = 200_000, 5_000
	s := storetest.Alone(b, store.Options{})
	for first := 0; first < users; first += page {
		rows, tags := make([]string, page), make([]string, 0, page)
		for i := range rows {
			id := fmt.Sprintf("usr_%026d", first+i)
			rows[i] = "('" + id + "', FALSE, UTC_TIMESTAMP(6), 'de')"
			if i%10 == 0 {
				tags = append(tags, "('"+id+"', 'vip')")
			}
		}
		for _, text := range []string{
			"INSERT INTO users (id, blocked, created_at, locale) VALUES " + strings.Join(rows, ","), "INSERT INTO user_tags (user_id, tag) VALUES " + strings.Join(tags, ","),
		} {
			_, err := s.SQL().ExecContext(b.Context(), text)
			require.NoError(b, err)
		}
	}
	b.Run("baseline", func(b *testing.B) {
		for range b.N {
			for after, n := "", page; n == page; {
				rows, err := s.SQL().QueryContext(b.Context(), "SELECT id FROM users WHERE id > ? ORDER BY id LIMIT ?", after, page)
				require.NoError(b, err)
				for n = 0; rows.Next(); n++ {
					require.NoError(b, rows.Scan(&after))
				}
				require.NoError(b, rows.Err())
				require.NoError(b, rows.Close()) //nolint:sqlclosecheck // a deferred one would keep all pages open
			}
		}
		b.ReportMetric(float64(users)*float64(b.N)/b.Elapsed().Seconds(), "users/s")
	})
	for _, text := range []string{"locale:de", "tag:vip and locale:de", "not tag:vip and locale:de", "tag:vip or locale:en"} {
		b.Run(strings.ReplaceAll(text, " ", "_"), func(b *testing.B) {
			for range b.N {
				n := 0
				for after := ""; ; {
					members, next, err := s.AudiencePage(b.Context(), store.AudienceQuery{Expression: text, After: after, Limit: page})
					require.NoError(b, err)
					n += len(members)
					if after = next; next == "" {
						break
					}
				}
				require.NotZero(b, n)
			}
			b.ReportMetric(float64(users)*float64(b.N)/b.Elapsed().Seconds(), "users/s")
		})
	}
}
