package worker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/tearoff/tearoff/workflows"
)

// call is one execution of an activity, local or not, tries counted.
type call struct {
	Name  string
	Nth   int    // of this activity for its workflow's id, from 1
	Index int    // of all activities of its workflow's id, from 0
	ID    string // of the redemption or refund
	Run   string // of the workflow
}

// hook stands around each activity; do carries it out.
type hook func(ctx context.Context, c call, do func() error) error

var errLost = errors.New("the test lost the answer")

// lostAfter lets the first n executions of the activity happen and loses their answers.
func lostAfter(name string, n int) hook {
	return func(_ context.Context, c call, do func() error) error {
		err := do()
		if c.Name == name && c.Nth <= n {
			return errLost
		}
		return err
	}
}

// lostBefore loses the first n requests for the activity.
func lostBefore(name string, n int) hook {
	return func(_ context.Context, c call, do func() error) error {
		if c.Name == name && c.Nth <= n {
			return errLost
		}
		return do()
	}
}

// before runs act once, right before the activity is executed for the n-th time.
func before(name string, n int, act func()) hook {
	return func(_ context.Context, c call, do func() error) error {
		if c.Name == name && c.Nth == n {
			act()
		}
		return do()
	}
}

// after runs act once, right after the activity was executed for the n-th time.
func after(name string, n int, act func()) hook {
	return func(_ context.Context, c call, do func() error) error {
		err := do()
		if c.Name == name && c.Nth == n {
			act()
		}
		return err
	}
}

// spy is an interceptor that records what a workflow does and puts a hook around each of its activities.
type spy struct {
	interceptor.InterceptorBase
	hook   hook
	server bool // a real one: nothing is changed for it

	mu     sync.Mutex
	calls  []call
	counts map[[2]string]int // by redemption and name
	states []string          // values of TearoffState as they were set
	busy   int               // activities under way
	asked  map[string]int    // how often the workflow scheduled each ordinary activity
}

func newSpy(h hook) *spy { return &spy{hook: h, counts: map[[2]string]int{}, asked: map[string]int{}} }

// names lists the activities in the order of their execution, tries of one after another once.
func (s *spy) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, c := range s.calls {
		if len(names) == 0 || names[len(names)-1] != c.Name {
			names = append(names, c.Name)
		}
	}
	return names
}

// count is how often the activity was executed, over all redemptions.
func (s *spy) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for key, count := range s.counts {
		if key[1] == name {
			n += count
		}
	}
	return n
}

// scheduled is how many ordinary activities of the name the workflow asked for; tries of one don't count.
func (s *spy) scheduled(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

func (s *spy) attributes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.states...)
}

// wait returns when no activity is under way.
func (s *spy) wait(t testing.TB) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.busy == 0
	}, 20*time.Second, time.Millisecond)
}

func (s *spy) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
}

func (s *spy) begin(info activity.Info) call {
	_, id, _ := strings.Cut(info.WorkflowExecution.ID, "/")
	c := call{Name: info.ActivityType.Name, ID: id, Run: info.WorkflowExecution.RunID}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy++
	s.counts[[2]string{c.ID, c.Name}]++
	c.Nth = s.counts[[2]string{c.ID, c.Name}]
	s.calls = append(s.calls, c)
	return c
}

// InterceptActivity implements interceptor.WorkerInterceptor.
func (s *spy) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	i := &spiedActivity{spy: s}
	i.Next = next
	return i
}

// InterceptWorkflow implements interceptor.WorkerInterceptor.
func (s *spy) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &spiedWorkflow{spy: s}
	i.Next = next
	return i
}

type spiedActivity struct {
	interceptor.ActivityInboundInterceptorBase
	spy *spy
}

func (i *spiedActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	c := i.spy.begin(activity.GetInfo(ctx))
	defer i.spy.end()
	var result any
	do := func() (err error) {
		result, err = i.Next.ExecuteActivity(ctx, in)
		return err
	}
	var err error
	if i.spy.hook == nil {
		err = do()
	} else {
		err = i.spy.hook(ctx, c, do)
	}
	return result, err
}

type spiedWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
	spy *spy
}

func (i *spiedWorkflow) Init(out interceptor.WorkflowOutboundInterceptor) error {
	o := &spiedCommands{spy: i.spy}
	o.Next = out
	return i.Next.Init(o)
}

type spiedCommands struct {
	interceptor.WorkflowOutboundInterceptorBase
	spy *spy
}

// ExecuteActivity keeps "unlimited" what the test environment would cut to ten tries.
func (i *spiedCommands) ExecuteActivity(ctx workflow.Context, name string, args ...any) workflow.Future {
	if !workflow.IsReplaying(ctx) {
		i.spy.mu.Lock()
		i.spy.asked[name]++
		i.spy.mu.Unlock()
	}
	if i.spy.server {
		return i.Next.ExecuteActivity(ctx, name, args...)
	}
	policy := temporal.RetryPolicy{}
	if p := workflow.GetActivityOptions(ctx).RetryPolicy; p != nil {
		policy = *p
	}
	if policy.MaximumAttempts == 0 {
		policy.MaximumAttempts = 1_000_000
	}
	return i.Next.ExecuteActivity(workflow.WithRetryPolicy(ctx, policy), name, args...)
}

func (i *spiedCommands) UpsertTypedSearchAttributes(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	set := temporal.NewSearchAttributes(updates...)
	if state, ok := set.GetKeyword(workflows.AttributeState); ok && !workflow.IsReplaying(ctx) {
		i.spy.mu.Lock()
		i.spy.states = append(i.spy.states, state)
		i.spy.mu.Unlock()
	}
	return i.Next.UpsertTypedSearchAttributes(ctx, updates...)
}
