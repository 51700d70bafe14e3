package activities

import (
	"context"
	"log/slog"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// Batches looks after batches, and changes many of their coupons.
type Batches struct {
	Store *store.Store
	Log   *slog.Logger
}

const (
	// SliceHeartbeat is how soon Temporal notices that the worker of a step with many slices died.
	SliceHeartbeat = 15 * time.Second

	slicesFor   = time.Minute // how long one activity goes on before it hands over
	expireSlice = 200         // coupons of one transaction, for which claims of the batch wait
	tagSlice    = 2_000       // tags of one transaction, for which nobody waits
)

// BatchRef names a batch.
type BatchRef struct {
	BatchID string `json:"batch_id"`
}

// BatchLook is how a batch is, and when to look after it next.
type BatchLook struct {
	State   models.BatchState `json:"state"`
	Expired int64             `json:"expired,omitempty"` // coupons, by this look
	Tagged  int64             `json:"tagged,omitempty"`  // products and the like that came to be shown, by this look
	Untag   int64             `json:"untagged,omitempty"`
	Next    time.Time         `json:"next,omitzero"` // zero: nothing is left to do
	What    string            `json:"what,omitempty"`
	Wait    time.Duration     `json:"wait,omitempty"`
}

// Over reports whether nothing is left to do.
func (l BatchLook) Over() bool { return l.Next.IsZero() }

// LookAfterBatch shows and hides the batch's tags, expires its coupons and says when to look again. What it did is done by
// whoever comes first: two at once do no harm.
func (b *Batches) LookAfterBatch(ctx context.Context, in BatchRef) (BatchLook, error) {
	var did BatchLook
	until := time.Now().Add(slicesFor)
	working := func() bool {
		activity.RecordHeartbeat(ctx, did)
		return time.Now().Before(until) && !stopping(ctx)
	}
	mark, err := b.Store.WatchBatch(ctx, in.BatchID)
	if err != nil {
		return BatchLook{}, asTemporal(err)
	}
	tags, coupons := tagSlice, expireSlice
	for tags == tagSlice && working() {
		var shown bool
		if tags, shown, err = b.Store.ShowTags(ctx, in.BatchID, tagSlice); err != nil {
			return BatchLook{}, asTemporal(err)
		}
		if shown {
			did.Tagged += int64(tags)
		} else {
			did.Untag += int64(tags)
		}
	}
	for coupons == expireSlice && working() {
		began := time.Now()
		if coupons, err = b.Store.ExpireCoupons(ctx, in.BatchID, expireSlice); err != nil {
			return BatchLook{}, asTemporal(err)
		}
		did.Expired += int64(coupons)
		if coupons == expireSlice {
			rest(ctx, time.Since(began))
		}
	}
	look, err := b.Store.LookAtBatch(ctx, in.BatchID, mark)
	if err != nil {
		return BatchLook{}, asTemporal(err)
	}
	did.State, did.Next, did.What, did.Wait = look.State, look.Next.Time, look.What, look.Wait
	if !did.Over() && (tags == tagSlice || coupons == expireSlice) { // the time was over, or the worker goes
		did.What, did.Wait = "go on", 0
	}
	return did, nil
}

// rest leaves the batch to its customers for as long as a slice kept them waiting.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(min(d, time.Second))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// BulkRef names a bulk change.
type BulkRef struct {
	BulkChangeID string `json:"bulk_change_id"`
}

// BulkStatus is how far a bulk change is. Done counts entries of the batch's ledger, of which it goes through UpTo.
type BulkStatus struct {
	BatchID string           `json:"batch_id"`
	Kind    models.BulkKind  `json:"kind"`
	State   models.BulkState `json:"state"`
	Done    int64            `json:"done"`
	UpTo    int64            `json:"up_to"`
	Changed int64            `json:"changed"`
}

// ChangeMany carries a bulk change out for about a minute, slice by slice. How far it is stands in the store, so whoever
// comes next goes on there.
func (b *Batches) ChangeMany(ctx context.Context, in BulkRef) (BulkStatus, error) {
	for until := time.Now().Add(slicesFor); ; {
		began := time.Now()
		c, err := b.Store.RunBulk(ctx, in.BulkChangeID)
		if err != nil {
			return BulkStatus{}, asTemporal(err)
		}
		s := BulkStatus{BatchID: c.BatchID, Kind: c.Kind, State: c.State, Done: c.Done, UpTo: c.UpTo, Changed: c.Changed}
		if c.State != models.BulkRunning || time.Now().After(until) || stopping(ctx) {
			return s, nil
		}
		activity.RecordHeartbeat(ctx, s)
		rest(ctx, time.Since(began))
	}
}
