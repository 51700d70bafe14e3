package bench

import "context"

// scenario is something that Tearoff does, and what it is compared with.
type scenario struct {
	name string
	// callers is how many requests are under way at a time unless somebody says otherwise: a rush, and few enough that
	// waiting for one another doesn't hide what an answer takes. A claim is one small request, so it stands a longer queue.
	callers int
	prepare func(ctx context.Context, e *env) (*contest, error)
}

// scenarios in the order they run.
var scenarios = []scenario{
	{"claim", 384, prepareClaim},
	{"claim_sold_out", 192, prepareSoldOut},
	{"hold_confirm", 192, prepareHold},
	{"wallet", 192, prepareWallet},
	{"quote", 192, prepareQuote},
	{"distribution", 1, prepareDistribution},
	{"distribution_beside", 192, prepareBeside},
	{"distribution_same", 192, prepareSame},
}

// contest is a scenario that is ready to run.
type contest struct {
	ours      *job
	baselines []*job // the main one first
}

// op does one thing, such as a claim. n is a number that no other call in the run gets.
type op func(ctx context.Context, n int64) error

// job is what workers do again and again.
type job struct {
	name string
	// start makes one worker's op and what it needs, such as a connection; end frees that.
	start func(ctx context.Context) (do op, end func(), err error)
	// before is called before the workers start; nil: nothing is to be done.
	before func(ctx context.Context) error
	// check compares with what was written; nil: nothing was. It isn't called after an error, whose effect is unknown.
	check func(ctx context.Context, done int64) error
	// each is how many things one op does, which the rate counts; 0: one.
	each int64
	// done is how often the job was done so far.
	done int64
	// failed tells that it had errors.
	failed bool
}

// overHTTP is a job whose workers have a connection each.
func overHTTP(name string, at endpoint, do func(c *conn, n int64) error) *job {
	return &job{name: name, start: func(ctx context.Context) (op, func(), error) {
		c, err := dial(ctx, at)
		if err != nil {
			return nil, nil, err
		}
		return func(_ context.Context, n int64) error { return do(c, n) }, c.close, nil
	}}
}
