package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// A dry run counts who would get a coupon, and why the others wouldn't, and leaves nothing behind in the books.
func TestDistributionDryRun(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{Quantity: 13, ClaimsPerUser: 1})
		users := crowdOf(t, s, 20)
		w.Claim(w.batch.ID, users[2])
		d := w.distribute(users, func(n *store.NewDistribution) { n.DryRun = true })
		want := "DONE size 20 next 20 issued 12 skipped 8 failed 0 map[sold_out:7 user_limit_reached:1]"
		assert.Equal(t, want, sums(w.finish(d.ID, 6)))
		assert.Equal(t, []string{"1"}, query(t, s, "SELECT COUNT(*) FROM coupons WHERE batch_id = ?", w.batch.ID))
		w.AuditClean(w.batch.ID)
		d = w.distribute(users, func(n *store.NewDistribution) { n.Fingerprint = "real" })
		assert.Equal(t, want, sums(w.finish(d.ID, 7)), "what was foretold")
		w.AuditClean(w.batch.ID)
	})
}

// Who shares an identity with somebody who has a coupon gets none where the batch counts by it, in one range or in two.
func TestDistributionLimitedByIdentity(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{ClaimsPerUser: 1, LimitBy: []models.LimitKind{models.LimitEmail}})
		name := storetest.Name("eve")
		users := []string{
			w.UserNamed(models.UserRef{Email: name + "@example.com"}), w.mailUser(), w.User(),
			w.UserNamed(models.UserRef{Email: name + "+again@example.com"}), w.mailUser(),
		}
		d := w.distribute(users)
		assert.Equal(t, "DONE size 5 next 5 issued 3 skipped 2 failed 0 map[identity_required:1 user_limit_reached:1]", sums(w.finish(d.ID, 2)))
		w.AuditClean(w.batch.ID)
	})
}

// Without a limit everybody gets one more, whatever they have; of each distribution one.
func TestDistributionWithoutLimit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{FaceMin: 100, FaceMax: 300, Content: `{"kind":"random_amount","random_amount":{"min":100,"max":300}}`})
		users := crowdOf(t, s, 9)
		for i := range 2 {
			d := w.distribute(users, func(n *store.NewDistribution) { n.Fingerprint = fmt.Sprint(i) })
			assert.Equal(t, int64(9), w.finish(d.ID, 4).Issued)
		}
		assert.Equal(t, []string{"1 9 1", "2 9 1"},
			query(t, s, "SELECT ordinal, COUNT(*), MIN(face_value) >= 100 AND MAX(face_value) <= 300 FROM coupons WHERE batch_id = ? GROUP BY ordinal", w.batch.ID))
		w.AuditClean(w.batch.ID)
	})
}

// What stands in the way of all is told when it is asked for; what may pass is waited for, and an end is everybody's reason.
func TestDistributionOfABatchThatGivesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := storetest.New(t, s)
		for want, spec := range map[models.Code]storetest.BatchSpec{
			models.CodeClaimModeForbids: {ClaimMode: models.ClaimModeOnUse}, models.CodeBatchNotActive: {Draft: true},
		} {
			n := store.NewDistribution{Distribution: models.Distribution{BatchID: f.Batch(spec).ID, Caller: "test"}}
			_, err := s.CreateDistribution(t.Context(), n)
			requireCode(t, want, err)
		}
		w := newWorld(t, s, storetest.BatchSpec{})
		d := w.distribute(crowdOf(t, s, 4))
		change := func(c store.BatchChange) {
			c.BatchID = w.batch.ID
			_, err := s.ChangeBatch(t.Context(), c)
			require.NoError(t, err)
		}
		change(store.BatchChange{Pause: models.PauseDistribution})
		out, err := s.IssueRange(t.Context(), d.ID, 2)
		require.NoError(t, err)
		assert.Equal(t, []any{models.CodeBatchPaused, 0, models.DistributionRunning}, []any{out.Held, out.Judged, out.State})
		change(store.BatchChange{Resume: models.PauseDistribution, Pause: models.PauseClaims})
		out, err = s.IssueRange(t.Context(), d.ID, 2)
		require.NoError(t, err)
		assert.Equal(t, 2, out.Issued, "a pause of claims is none of distribution")
		change(store.BatchChange{To: models.BatchEnded})
		assert.Equal(t, "DONE size 4 next 4 issued 2 skipped 2 failed 0 map[batch_ended:2]", sums(w.finish(d.ID, 2)))
		w.AuditClean(w.batch.ID)
	})
}

// A user who can't be written is one who failed; the others get theirs.
func TestDistributionGoesOnBesideAFailure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		d := w.distribute(crowdOf(t, s, 3))
		_, err := s.FailMember(t.Context(), d.ID, 1)
		require.NoError(t, err)
		out, err := s.FailMember(t.Context(), d.ID, 0)
		require.NoError(t, err)
		assert.Equal(t, int64(1), out.Failed, "it was the turn of the first")
		assert.Equal(t, "DONE size 3 next 3 issued 2 skipped 0 failed 1 map[]", sums(w.finish(d.ID, 5)))
		w.AuditClean(w.batch.ID)
	})
}

// The audience is written down page by page, with those whom nobody knows in their places.
func TestDistributionMaterialises(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		users := crowdOf(t, s, 7)
		d := w.distribute(nil, func(n *store.NewDistribution) { n.AudienceID = new(audienceOf(t, s, append(users, ""))) })
		require.Equal(t, models.DistributionMaterialising, d.State)
		_, err := s.IssueRange(t.Context(), d.ID, 10)
		require.NoError(t, err, "which does nothing yet")
		for d.State == models.DistributionMaterialising {
			d, err = s.MaterialiseDistribution(t.Context(), d.ID, 3)
			require.NoError(t, err)
		}
		assert.Equal(t, "DONE size 8 next 8 issued 7 skipped 1 failed 0 map[unknown_user:1]", sums(w.finish(d.ID, 5)))
		w.AuditClean(w.batch.ID)
	})
}

// audienceOf makes a list of the users; "" is one whom nobody knows.
func audienceOf(t *testing.T, s *store.Store, userIDs []string) string {
	t.Helper()
	id := models.NewID(models.PrefixAudience)
	exec(t, s, "INSERT INTO audiences (id, merchant_id, name, kind, expression, size, seq, created_at, updated_at) VALUES "+
		"(?, 'm1', ?, 'list', '', ?, 1, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000')", id, id, len(userIDs))
	for i, user := range userIDs {
		exec(t, s, "INSERT INTO audience_members (audience_id, pos, user_id) VALUES (?, ?, NULLIF(?, ''))", id, i+1, user)
	}
	return id
}

// The same request again is the same distribution; another content under its key is refused.
func TestDistributionIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		n := store.NewDistribution{
			Distribution: models.Distribution{BatchID: w.batch.ID, Caller: "test", IdemKey: new(storetest.Name("key")), Fingerprint: "f"},
			UserIDs:      crowdOf(t, s, 2),
		}
		first, err := s.CreateDistribution(t.Context(), n)
		require.NoError(t, err)
		again, err := s.CreateDistribution(t.Context(), n)
		require.NoError(t, err)
		assert.Equal(t, []any{first.ID, false, true}, []any{again.ID, first.Replayed, again.Replayed})
		n.Fingerprint = "g"
		_, err = s.CreateDistribution(t.Context(), n)
		requireCode(t, models.CodeIdempotencyKeyReused, err)
	})
}

// It begins when its time has come by the store's clock; paused, it comes back to where it was; what has ended stays.
func TestDistributionStates(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		do := func(id string, action store.DistributionAction) (models.DistributionState, error) {
			d, err := s.ChangeDistribution(t.Context(), store.DistributionChange{ID: id, Action: action})
			return d.State, err
		}
		now, err := s.Now(t.Context())
		require.NoError(t, err)
		d := w.distribute(crowdOf(t, s, 2), func(n *store.NewDistribution) { n.StartAt = now.Add(time.Hour) })
		assert.Equal(t, models.DistributionScheduled, d.State, "not before its time")
		for _, step := range []struct {
			action store.DistributionAction
			want   models.DistributionState
		}{
			{store.PauseDistribution, models.DistributionPaused}, {store.PauseDistribution, models.DistributionPaused},
			{store.ResumeDistribution, models.DistributionScheduled}, {store.ResumeDistribution, models.DistributionScheduled},
			{store.CancelDistribution, models.DistributionCancelled}, {store.CancelDistribution, models.DistributionCancelled},
		} {
			state, err := do(d.ID, step.action)
			require.NoError(t, err)
			assert.Equal(t, step.want, state, step.action)
		}
		_, err = do(d.ID, store.ResumeDistribution)
		requireCode(t, models.CodeStateConflict, err)
		_, err = do("dst_nobody", store.PauseDistribution)
		requireCode(t, models.CodeNotFound, err)
	})
}

// The sweeper finds what nobody has moved, once for each grace, and what has changed until its driver was told.
func TestDueDistributions(t *testing.T) {
	t.Parallel()
	storetest.EachAlone(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s, storetest.BatchSpec{})
		d := w.distribute(crowdOf(t, s, 2))
		due := func() []models.Distribution {
			rows, err := s.DueDistributions(t.Context(), 10)
			require.NoError(t, err)
			return rows
		}
		assert.Empty(t, due(), "it was moved a moment ago")
		forget := func() { exec(t, s, "UPDATE distributions SET due_at = created_at WHERE id = ?", d.ID) }
		forget()
		assert.Len(t, due(), 1)
		assert.Empty(t, due(), "put off")
		_, err := s.ChangeDistribution(t.Context(), store.DistributionChange{ID: d.ID, Action: store.PauseDistribution})
		require.NoError(t, err)
		forget()
		rows := due()
		require.Len(t, rows, 1)
		assert.True(t, rows[0].Wake)
		require.NoError(t, s.DistributionWoken(t.Context(), rows[0]))
		d, err = s.Distribution(t.Context(), d.ID)
		require.NoError(t, err)
		assert.True(t, d.DueAt.IsZero() && !d.Wake, "a paused one rests")
	})
}

// The operations on distributions, for TestFaults.
func distributionOperations() []operation {
	picture := func(id string) func(*testing.T, *store.Store) string {
		return lookAt("SELECT d.state, d.size, d.next, d.issued, d.skipped, d.failed, d.skipped_by, d.seq, d.wake, "+
			"(SELECT COUNT(*) FROM distribution_members m WHERE m.distribution_id = d.id), (SELECT COUNT(*) FROM distribution_skips k WHERE k.distribution_id = d.id), "+
			"(SELECT COUNT(*) FROM coupons c JOIN distribution_members o ON o.user_id = c.user_id WHERE o.distribution_id = d.id), "+
			"(SELECT COUNT(*) FROM audit_log a WHERE a.subject = d.id) FROM distributions d WHERE d.id = ?", id)
	}
	on := func(name string, prepare func(w *world) models.Distribution, run func(context.Context, *store.Store, string) (models.Distribution, error)) operation {
		return operation{name, func(w *world, n int) []trial {
			trials := make([]trial, n)
			for i := range trials {
				id := prepare(w).ID
				trials[i] = trial{look: picture(id), run: func(ctx context.Context, s *store.Store) (string, error) {
					d, err := run(ctx, s, id)
					return string(d.State), err
				}}
			}
			return trials
		}}
	}
	running := func(w *world) models.Distribution { return w.distribute(append(crowdOf(w.t, w.s, 4), "")) }
	act := func(action store.DistributionAction) func(context.Context, *store.Store, string) (models.Distribution, error) {
		return func(ctx context.Context, s *store.Store, id string) (models.Distribution, error) {
			return s.ChangeDistribution(ctx, store.DistributionChange{ID: id, Action: action})
		}
	}
	return []operation{
		on("IssueRange", running, func(ctx context.Context, s *store.Store, id string) (models.Distribution, error) {
			for {
				if out, err := s.IssueRange(ctx, id, 3); err != nil || out.State == models.DistributionDone {
					return out.Distribution, err
				}
			}
		}),
		on("MaterialiseDistribution", func(w *world) models.Distribution {
			return w.distribute(nil, func(n *store.NewDistribution) { n.AudienceID = new(audienceOf(w.t, w.s, crowdOf(w.t, w.s, 3))) })
		}, func(ctx context.Context, s *store.Store, id string) (models.Distribution, error) {
			return s.MaterialiseDistribution(ctx, id, 10)
		}),
		on("ChangeDistribution, pause", running, act(store.PauseDistribution)),
		on("ChangeDistribution, cancel", running, act(store.CancelDistribution)),
		on("FailMember", running, func(ctx context.Context, s *store.Store, id string) (models.Distribution, error) {
			return s.FailMember(ctx, id, 0)
		}),
		{"CreateDistribution", distributionTrials},
	}
}

func distributionTrials(w *world, n int) []trial {
	trials := make([]trial, n)
	for i := range trials {
		request := store.NewDistribution{
			Distribution: models.Distribution{BatchID: w.batch.ID, Caller: storetest.Name("caller"), Fingerprint: "f"}, UserIDs: crowdOf(w.t, w.s, 2),
		}
		trials[i].run = func(ctx context.Context, s *store.Store) (string, error) {
			out, err := s.CreateDistribution(ctx, request)
			return string(out.State), err
		}
		trials[i].look = lookAt("SELECT d.state, d.size, COUNT(*) FROM distributions d JOIN distribution_members m ON m.distribution_id = d.id "+
			"WHERE d.caller = ? GROUP BY d.state, d.size", request.Caller)
	}
	return trials
}
