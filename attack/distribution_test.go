package attack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

const (
	// envUsers says to how many users coupons are given.
	envUsers = "TEAROFF_ATTACK_USERS"

	givenTo = 20_000 // unless envUsers says otherwise
	early   = 40     // users who claim before
	unknown = 10     // members whom nobody knows
	growth  = 1.3    // of the worker's memory, at most, when ten times as many get a coupon
)

// TestDistributionUnderAttack gives each of many users a coupon through a real worker, while worker, MySQL and Temporal are
// killed, each in another stage. Everybody has exactly one in the end, whoever got none is counted with the reason, the books
// agree, and the worker took no more memory than for a tenth of the users.
func TestDistributionUnderAttack(t *testing.T) {
	users := givenTo
	if text := os.Getenv(envUsers); text != "" {
		var err error
		users, err = strconv.Atoi(text)
		require.NoError(t, err, envUsers)
	}
	p := newPost(t, users)
	calm := p.give(users / 10)
	p.worker.kill()
	p.worker.rss = 0
	attacked := p.give(users,
		attempt{"the worker", models.DistributionMaterialising, 0.25, p.worker.kill},
		attempt{"MySQL", models.DistributionMaterialising, 0.5, p.loseMariaDB},
		attempt{"the worker", models.DistributionRunning, 0.2, p.worker.kill},
		attempt{"MySQL", models.DistributionRunning, 0.45, p.loseMariaDB},
		attempt{"Temporal", models.DistributionRunning, 0.7, p.killTemporal},
	)
	if users >= 1_000_000 {
		require.Less(t, float64(attacked), growth*float64(calm), "the worker's memory")
	}
	p.auditClean()
}

// attempt is a kill when the distribution is in the state and so far in it.
type attempt struct {
	whom  string
	state models.DistributionState
	at    float64 // of the users
	kill  func()
}

// post is all that a distribution needs.
type post struct {
	*servers
	*fleet
	worker *node
	users  int
}

func newPost(t *testing.T, users int) *post {
	t.Helper()
	s := newServers(t)
	f := newFleetOn(t, s.mariaDB.DSN(), 1, "api", "--temporal", s.temporal.Addr)
	p := &post{servers: s, fleet: f, users: users, worker: f.launch("worker", "--temporal", s.temporal.Addr, "--no-audits", "--reminders", "0")}
	p.worker.untilReady()
	return p
}

// give distributes to n users and some who get nothing, with kills on the way, and returns the most memory that the worker took.
func (p *post) give(n int, attempts ...attempt) (peak int) {
	t := p.fleet.t
	t.Helper()
	blocked, late := n/100, n/50
	batch := p.batch(fiveOff(), object{"quantity": n + early, "claims_per_user": 1})
	members := append(p.early(batch), make([]string, unknown)...)
	members = append(members, p.people(n+blocked+late, blocked)...)

	began := time.Now()
	d := p.send(t.Context(), 0, request{method: http.MethodPost, path: "/v1/admin/distributions", key: batch, body: object{
		"batch_id": batch, "audience_id": p.list(members), "reason": "attack",
	}})
	require.True(t, d.succeeded(), "%+v", d)
	for _, a := range attempts {
		p.strike(d.ID, len(members), a)
	}
	end := p.until(d.ID, func(s status) bool { return s.state.Final() })
	took := end.ended.Sub(began)
	t.Logf("%d coupons with %d kills in %s: %.0f coupons/s end to end; the worker took %.1f MiB at most", n, len(attempts),
		took.Round(time.Millisecond), float64(n)/took.Seconds(), float64(p.worker.peak())/(1<<20))

	require.Equal(t, status{
		state: models.DistributionDone, size: len(members), next: len(members), issued: n, skipped: len(members) - n, ended: end.ended,
		reasons: map[models.Code]int{models.CodeUserLimit: early, models.CodeUnknownUser: unknown, models.CodeUserBlocked: blocked, models.CodeSoldOut: late},
	}, end)
	p.checkOwners(batch, n)
	return p.worker.peak()
}

// strike kills when the time has come.
func (p *post) strike(id string, members int, a attempt) {
	t := p.fleet.t
	t.Helper()
	found := p.until(id, func(s status) bool {
		done := s.next
		if a.state == models.DistributionMaterialising {
			done = s.size
		}
		return s.state == a.state && float64(done) >= a.at*float64(members) || s.state != a.state && s.state != models.DistributionScheduled &&
			s.state != models.DistributionMaterialising
	})
	require.Equal(t, a.state, found.state, "too late to kill %s", a.whom)
	began := time.Now()
	a.kill()
	t.Logf("%s killed when %s with %d of %d written down and %d judged; back after %s", a.whom, found.state, found.size, members, found.next,
		time.Since(began).Round(time.Millisecond))
}

// checkOwners asks the rows: n users beside the early ones have exactly one coupon, nobody has two, and nothing is left.
func (p *post) checkOwners(batch string, n int) {
	t := p.fleet.t
	t.Helper()
	const owned = "SELECT COUNT(*) FROM coupons c JOIN users u ON u.id = c.user_id WHERE NOT u.blocked AND c.batch_id = ? AND c.source = ?"
	assert.Equal(t, []int{n, early}, []int{p.count(owned, batch, "distribution"), p.count(owned, batch, "claim")})
	assert.Equal(t, n+early, p.count("SELECT COUNT(DISTINCT user_id) FROM coupons WHERE batch_id = ?", batch))
	counters := p.must(http.MethodGet, "/v1/admin/batches/"+batch, nil).Counters
	assert.Equal(t, []int64{int64(n + early), 0}, []int64{counters.Issued, counters.Remaining})
}

// status is a distribution as its row has it.
type status struct {
	state                       models.DistributionState
	size, next, issued, skipped int
	reasons                     map[models.Code]int
	ended                       time.Time
}

// until looks at the distribution until the test is true of it. While MySQL is down there is nothing to see.
func (p *post) until(id string, is func(status) bool) status {
	t := p.fleet.t
	t.Helper()
	var s status
	require.Eventually(t, func() bool {
		var reasons []byte
		var ended *string
		err := p.db.QueryRowContext(t.Context(), "SELECT state, size, next, issued, skipped, skipped_by, ended_at FROM distributions WHERE id = ?", id).
			Scan(&s.state, &s.size, &s.next, &s.issued, &s.skipped, &reasons, &ended)
		if err != nil || json.Unmarshal(reasons, &s.reasons) != nil {
			return false
		}
		if ended != nil {
			s.ended, err = time.Parse("2006-01-02 15:04:05.999999", *ended)
		}
		return err == nil && is(s)
	}, 2*time.Minute+time.Duration(p.users)*time.Millisecond, 2*time.Millisecond, "%+v", &s)
	return s
}

// loseMariaDB kills MySQL, which takes tables for empty until it has counted them again. So that it shows when a range then walks
// through all users, somebody who is not in the audience is locked.
func (p *post) loseMariaDB() {
	t := p.fleet.t
	t.Helper()
	p.killMariaDB()
	outsider := p.people(1, 0)[0]
	tx, err := p.db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() }) // fails when MySQL was killed meanwhile
	_, err = tx.ExecContext(t.Context(), "UPDATE users SET blocked = TRUE WHERE id = ?", outsider)
	require.NoError(t, err)
}

// early are users who have claimed of the batch.
func (p *post) early(batch string) []string {
	var all sync.WaitGroup
	for i := range early {
		all.Go(func() {
			a := p.send(p.fleet.t.Context(), 0, request{method: http.MethodPost, path: "/v1/claims", key: "early", body: object{
				"batch_id": batch, "user": object{"id": fmt.Sprintf("early-%d", i)},
			}})
			assert.True(p.fleet.t, a.succeeded(), "%+v", a)
		})
	}
	all.Wait()
	var ids []string
	for id := range p.pairs("SELECT user_id, id FROM coupons WHERE batch_id = ?", batch) {
		ids = append(ids, id)
	}
	return ids
}

// people makes n users, the first ones of which are blocked.
func (p *post) people(n, blocked int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = models.NewID(models.PrefixUser)
	}
	p.insert("users (id, blocked, created_at)", n, func(i int) string {
		return fmt.Sprintf("'%s', %t, UTC_TIMESTAMP(6)", ids[i], i < blocked)
	})
	return ids
}

// list makes an audience of the users; "" is somebody unknown.
func (p *post) list(userIDs []string) string {
	id := models.NewID(models.PrefixAudience)
	p.insert("audiences (id, merchant_id, name, kind, expression, size, seq, created_at, updated_at)", 1, func(int) string {
		return fmt.Sprintf("'%s', '', '%[1]s', 'list', '', %d, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)", id, len(userIDs))
	})
	p.insert("audience_members (audience_id, pos, user_id)", len(userIDs), func(i int) string {
		return fmt.Sprintf("'%s', %d, NULLIF('%s', '')", id, i+1, userIDs[i])
	})
	return id
}

// insert writes n rows, many at once: by REST it would take longer than what is tested.
func (p *post) insert(into string, n int, row func(i int) string) {
	t := p.fleet.t
	t.Helper()
	const atOnce = 5_000
	for first := 0; first < n; first += atOnce {
		var rows []string
		for i := first; i < min(n, first+atOnce); i++ {
			rows = append(rows, "("+row(i)+")")
		}
		_, err := p.db.ExecContext(t.Context(), "INSERT INTO "+into+" VALUES "+strings.Join(rows, ", "))
		require.NoError(t, err)
	}
}
