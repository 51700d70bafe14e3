package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/payments"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// envWorker makes this test binary a worker that kills itself; its value is a doomed in JSON.
const envWorker = "TEAROFF_TEST_WORKER"

// doomed is a worker process that ends itself with SIGKILL right after an activity has happened, before Temporal knows.
type doomed struct {
	DSN, Temporal, Queue string
	Activity             string // its first execution; "": it lives until somebody kills it
	Ranges               int64  // of a distribution, after which it ends itself in the middle of the activity instead
	Mail                 string // of a mail server: it dies as soon as that has taken a mail
	Private              bool   // it sends webhooks to this machine
}

func isWorkerProcess() bool { return os.Getenv(envWorker) != "" }

func workerProcess() int {
	if err := runDoomed(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runDoomed() error {
	var d doomed
	if err := json.Unmarshal([]byte(os.Getenv(envWorker)), &d); err != nil {
		return err
	}
	s, err := store.Open(store.Options{MySQL: d.DSN})
	if err != nil {
		return err
	}
	spy := newSpy(after(d.Activity, 1, killSelf))
	spy.server = true
	c, err := client.Dial(client.Options{HostPort: d.Temporal, Identity: "doomed", Logger: quiet{}, Interceptors: []interceptor.ClientInterceptor{spy}})
	if err != nil {
		return err
	}
	var messages worker.Messages
	if d.Mail != "" {
		email, err := notify.NewEmail(notify.EmailConfig{URL: "smtp://" + d.Mail + "?tls=none", From: "shop@shop.example"})
		if err != nil {
			return err
		}
		messages.Channels = map[models.Channel]notify.Channel{models.ViaEmail: fatal{email}}
	}
	return worker.Run(context.Background(), worker.Config{
		Store: s, Temporal: c, Namespace: client.DefaultNamespace, TaskQueue: d.Queue, Log: slog.New(slog.DiscardHandler),
		Provider: payments.NewBuiltin(s, payments.BuiltinOptions{}), Messages: messages, Webhooks: notify.WebhookOptions{AllowPrivate: d.Private},
		Ranged: func(int, time.Duration) {
			d.Ranges--
			if d.Ranges == 0 {
				killSelf()
			}
		},
	})
}

func killSelf() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	panic(err) // not reached
}

// A worker is killed between an activity's commit and the completion of its task, so that nobody knows that it happened.
// Another worker does it again: the answer is right, and the customer is charged once.
func TestKilledBetweenCommitAndCompletion(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	for activity, token := range map[string]string{
		"TryCoupons":       payments.TokenApproved,
		"AuthorisePayment": payments.TokenApproved,
		"CapturePayment":   payments.TokenApproved,
		"ConfirmCoupons":   payments.TokenApproved,
		"FinishRedemption": payments.TokenApproved,
		"CancelCoupons":    payments.TokenDeclined,
	} {
		t.Run(activity, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, onMySQL(t))
			env, err := json.Marshal(doomed{DSN: storetest.DSN(t), Temporal: temporaltest.Addr(t), Queue: r.queue, Activity: activity})
			require.NoError(t, err)
			child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
				Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard,
			})
			require.NoError(t, err)
			t.Cleanup(child.Kill)
			id := r.Open(r.plan(token)).ID
			run := r.start(workflows.RedemptionInput{RedemptionID: id})
			select {
			case <-child.Done():
				require.ErrorContains(t, child.Err(), "killed")
			case <-time.After(time.Minute):
				require.Fail(t, "the worker did not get to "+activity)
			}
			r.work(nil, nil)
			var result workflows.RedemptionResult
			require.NoError(t, run.Get(t.Context(), &result))
			assert.Equal(t, result.State, r.settled(id))
			assert.Equal(t, token == payments.TokenApproved, result.State == models.StateConfirmed)
			assert.Len(t, r.atBank(id), 1)
			r.replays(id)
		})
	}
}
