package store

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/maypok86/otter/v2"

	"github.com/tearoff/tearoff/models"
)

// closedBatches remembers, for a second, that a batch gives out nothing more, so that the crowd that comes too late
// doesn't reach the database. Who has a coupon and asks again with the same key still gets it: the requests that got one
// are known by their hashes.
type closedBatches struct {
	now     *otter.Cache[string, closedBatch]
	winners *otter.Cache[booksAt, winners]
}

// booksAt names a batch's books at a sequence of its ledger: as long as they don't move, nor do the winners.
type booksAt struct {
	batchID string
	seq     int64
}

type closedBatch struct {
	refusal *models.Error
	winners winners
}

// winners are the requests that got a coupon of a batch.
type winners struct {
	hashes  []int64 // sorted
	unknown bool    // some are from before hashes were kept: nobody can be turned away without asking
}

func newClosedBatches() closedBatches {
	return closedBatches{
		now: otter.Must(&otter.Options[string, closedBatch]{
			MaximumSize: 1_000, ExpiryCalculator: otter.ExpiryWriting[string, closedBatch](hotFresh),
		}),
		winners: otter.Must(&otter.Options[booksAt, winners]{
			MaximumWeight: 64 << 20, // of hashes: 512 MB when all of it is in use
			Weigher:       func(_ booksAt, w winners) uint32 { return uint32(len(w.hashes)) + 1 },
		}),
	}
}

func (c closedBatches) close() {
	c.now.StopAllGoroutines()
	c.winners.StopAllGoroutines()
}

// closing are the refusals that hold for everybody until the batch changes.
var closing = []models.Code{models.CodeSoldOut, models.CodeBatchEnded, models.CodeClaimEnded}

// Closed says why the request gets nothing, without asking the database, when that is known; else claim and see.
func (s *Store) Closed(r ClaimRequest) (refusal *models.Error, known bool) {
	batch, ok := s.closed.now.GetIfPresent(r.BatchID)
	if !ok || batch.winners.unknown {
		return nil, false
	}
	if _, won := slices.BinarySearch(batch.winners.hashes, r.hash()); won {
		return nil, false
	}
	return batch.refusal, true
}

// remember keeps a refusal that holds for everybody. What can't be read is not remembered.
func (s *Store) remember(ctx context.Context, batchID string, refusal *models.Error, seq int64) {
	if !slices.Contains(closing, refusal.Code) {
		return
	}
	w, err := s.closed.winners.Get(ctx, booksAt{batchID, seq}, otter.LoaderFunc[booksAt, winners](s.loadWinners))
	if err == nil {
		s.closed.now.Set(batchID, closedBatch{refusal, w})
	}
}

func (s *Store) loadWinners(ctx context.Context, at booksAt) (w winners, err error) {
	err = s.db.WithContext(context.WithoutCancel(ctx)).Model(&models.Coupon{}).Where("batch_id = ? AND request_hash <> ?", at.batchID, notClaimed).
		Order("request_hash").Pluck("request_hash", &w.hashes).Error
	w.unknown = slices.Contains(w.hashes, 0)
	return w, err
}

// notClaimed is the hash of a coupon that nobody asked for, such as one of a distribution: no request has it.
const notClaimed = 2

// hash stands for the request without its user, whom a request that is refused need not have. It is never 0.
func (r ClaimRequest) hash() int64 {
	sum := models.Hash("request", r.Caller, r.BatchID, r.Key)
	return int64(binary.BigEndian.Uint64([]byte(sum))) | 1
}
