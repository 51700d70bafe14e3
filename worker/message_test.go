package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	sdk "go.temporal.io/sdk/worker"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/notify/mailtest"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
	"github.com/tearoff/tearoff/worker"
	"github.com/tearoff/tearoff/workflows"
)

// office is a rig with a mail server and a template, whose messages nobody else sends.
type office struct {
	*rig
	mail     *mailtest.Server
	template models.Template
	dsn      string
	mu       sync.Mutex
	ended    map[string]int
}

func newOffice(t *testing.T, a mailtest.Answers, channels ...models.Channel) *office {
	t.Helper()
	dsn := storetest.OwnDSN(t)
	o := store.Options{MySQL: dsn}
	server, err := mailtest.Start(a)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	r := newRig(t, openWorld(t, o))
	template, err := r.Store.CreateTemplate(t.Context(), models.Template{
		MerchantID: "m1", Name: "soon", Kind: models.MessageReminder, Channels: channels, Locale: "en", Texts: map[string]models.Text{
			"en": {Subject: "{{.coupons}} coupons", Body: "until {{.valid_until}} {{.valid_until_time}}", HTML: "<b>{{.batch_name}}</b>"},
			"de": {Subject: "{{.coupons}} Gutscheine", Body: "bis {{.valid_until}} {{.valid_until_time}}"},
		},
	}, models.AuditRecord{Action: "template.create"})
	require.NoError(t, err)
	return &office{rig: r, mail: server, template: template, dsn: dsn, ended: map[string]int{}}
}

// email is the channel to the office's mail server.
func (o *office) email() notify.Channel {
	o.T.Helper()
	e, err := notify.NewEmail(notify.EmailConfig{URL: "smtp://" + o.mail.Addr + "?tls=none", From: "Shop <shop@shop.example>", Timeout: 5 * time.Second})
	require.NoError(o.T, err)
	return e
}

// open runs a worker and a sweeper.
func (o *office) open(change ...func(*worker.Messages)) (stop func()) {
	m := worker.Messages{
		Channels: map[models.Channel]notify.Channel{models.ViaEmail: o.email()},
		Unsubscribe: func(userID string, channel models.Channel) string {
			return "https://shop.example/u/" + userID + "/" + string(channel)
		},
		Ended: func(channel models.Channel, outcome models.MessageOutcome, n int) {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.ended[strings.TrimSpace(string(channel)+" "+string(outcome))] += n
		},
	}
	for _, f := range change {
		f(&m)
	}
	_, stop = o.work(nil, func(c *worker.Config) { c.Messages = m })
	return stop
}

// tell adds a message for each address and returns the users.
func (o *office) tell(addresses ...string) []string {
	o.T.Helper()
	var users []string
	var rows []models.Message
	for _, address := range addresses {
		user := o.UserNamed(models.UserRef{Email: address})
		users = append(users, user)
		until := models.NewTime(time.Date(2030, 5, 31, 22, 0, 0, 0, time.UTC))
		rows = append(rows, o.template.Messages(models.Notice{
			UserID: user, BatchID: o.batch.ID, DedupeKey: models.Hash(storetest.Name("once")), Params: models.MessageParams{Coupons: 2, ValidUntil: until},
		})...)
	}
	require.NoError(o.T, o.Store.AddMessages(o.ctx(), rows))
	return users
}

func (o *office) states() map[string]int {
	o.T.Helper()
	rows, err := o.Store.Messages(o.ctx(), store.MessageQuery{Page: store.Page{Limit: 5000}})
	require.NoError(o.T, err)
	all := map[string]int{}
	for _, m := range rows {
		all[strings.TrimSpace(fmt.Sprint(m.Channel, " ", m.State, " ", m.Outcome))]++
	}
	return all
}

// until waits until the messages are in these states.
func (o *office) until(want map[string]int) {
	o.T.Helper()
	require.Eventually(o.T, func() bool { return fmt.Sprint(o.states()) == fmt.Sprint(want) }, time.Minute, 20*time.Millisecond, "want %v", want)
}

// addresses are n of them, and those as the server knows them.
func addresses(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("user%04d@example.com", i)
	}
	return all
}

func (o *office) historyOfMail() {
	o.T.Helper()
	require.NoError(o.T, o.temporal.GetWorkflow(o.ctx(), workflows.MessagesWorkflowID(models.ViaEmail, o.queue), "").Get(o.ctx(), nil))
	h := o.historyOf(workflows.MessagesWorkflowID(models.ViaEmail, o.queue))
	replayer := sdk.NewWorkflowReplayer()
	replayer.RegisterWorkflow(workflows.Messages)
	assert.NoError(o.T, replayer.ReplayWorkflowHistory(quiet{}, h))
}

func TestMessagesAreSent(t *testing.T) {
	t.Parallel()
	o := newOffice(t, mailtest.Answers{}, models.ViaEmail, models.ViaInbox, models.ViaSMS)
	users := o.tell(addresses(100)...)
	o.exec("UPDATE users SET locale = 'de-AT', time_zone = 'Europe/Vienna' WHERE id = ?", users[7])
	o.exec("UPDATE users SET opt_out = ? WHERE id = ?", int(models.ChannelEmail), users[8])
	o.open()
	o.sweep()
	o.until(map[string]int{"email SENT": 99, "email SKIPPED opted_out": 1, "inbox SENT": 100, "sms SKIPPED no_channel": 100})
	assert.Len(t, o.mail.Recipients(), 99)
	for _, mail := range o.mail.Mails() {
		read, err := mail.Read()
		require.NoError(t, err)
		subject, text := "2 coupons", "until May 31, 2030 22:00"
		if mail.To[0] == "user0007@example.com" {
			subject, text = "2 Gutscheine", "bis 31. Mai 2030 24:00"
			assert.Equal(t, "de", read.Header.Get("Content-Language"))
		} else {
			assert.Equal(t, "<b>"+o.batch.Name+"</b>", read.Parts["text/html"])
		}
		assert.Equal(t, subject, read.Subject)
		assert.Equal(t, text, strings.TrimSpace(read.Parts["text/plain"]))
		assert.Contains(t, read.Header.Get("List-Unsubscribe"), "https://shop.example/u/usr_")
	}
	o.historyOfMail()
	assert.Equal(t, map[string]int{"email": 99, "email opted_out": 1, "inbox": 100, "sms no_channel": 100}, o.ended)
}

// TestMessagesBadAddressesHoldUpNobody has refused, busy and unwritable ones among the good.
func TestMessagesBadAddressesHoldUpNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, mailtest.Answers{Rcpt: func(to string) error {
		switch {
		case strings.HasPrefix(to, "gone"):
			return mailtest.Refuse(550, "no such user")
		case strings.HasPrefix(to, "busy"):
			return mailtest.Refuse(451, "greylisted")
		default:
			return nil
		}
	}}, models.ViaEmail)
	o.tell(append(addresses(50), "gone@example.com", "busy@example.com")...)
	bad := o.template
	bad.Version = 99
	user := o.UserNamed(models.UserRef{Email: "bad@example.com"})
	require.NoError(t, o.Store.AddMessages(t.Context(), bad.Messages(models.Notice{UserID: user, DedupeKey: models.Hash("bad")})))
	o.open()
	o.sweep()
	o.until(map[string]int{"email SENT": 50, "email DEAD address_refused": 1, "email PENDING try_later": 1, "email DEAD no_text": 1})
}

// TestMessagesWaitForAServerThatIsDown: hardly a try is used up, and when it is back each gets one mail.
func TestMessagesWaitForAServerThatIsDown(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	var refused atomic.Int32
	o := newOffice(t, mailtest.Answers{Mail: func(string) error {
		if up.Load() {
			return nil
		}
		refused.Add(1)
		return mailtest.Refuse(421, "too busy")
	}}, models.ViaEmail)
	o.tell(addresses(100)...)
	o.open(func(m *worker.Messages) { m.AtOnce = 2 })
	o.sweep()
	require.Eventually(t, func() bool { return refused.Load() > 2 }, time.Minute, 20*time.Millisecond, "it is tried again")
	assert.Less(t, refused.Load(), int32(10), "but not with every message")
	up.Store(true)
	require.Eventually(t, func() bool { return len(o.mail.Mails()) >= 95 }, time.Minute, 20*time.Millisecond)
	o.exec("UPDATE messages SET due_at = '2020-01-01 00:00:00.000000' WHERE state = 'PENDING' AND attempts = 1 AND outcome <> ''")
	o.until(map[string]int{"email SENT": 100})
	assert.Equal(t, addresses(100), o.mail.Recipients())
}

// TestMessagesAreSentOnceByManyWorkers, while the workflow is terminated again and again.
func TestMessagesAreSentOnceByManyWorkers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, mailtest.Answers{}, models.ViaEmail)
	o.open()
	o.open()
	o.sweep()
	ctx, cancel := context.WithCancel(t.Context())
	var terminator sync.WaitGroup
	terminator.Go(func() {
		for ctx.Err() == nil {
			_ = o.temporal.TerminateWorkflow(ctx, workflows.MessagesWorkflowID(models.ViaEmail, o.queue), "", "test")
		}
	})
	o.tell(addresses(600)...)
	require.Eventually(t, func() bool { return len(o.mail.Mails()) > 100 }, time.Minute, 10*time.Millisecond)
	cancel()
	terminator.Wait()
	o.until(map[string]int{"email SENT": 600})
	assert.Equal(t, addresses(600), o.mail.Recipients())
}

// TestKilledBetweenSendingAndRecording is the one way to a mail that comes twice: with one Message-ID.
func TestKilledBetweenSendingAndRecording(t *testing.T) {
	t.Parallel()
	bin, err := os.Executable()
	require.NoError(t, err)
	o := newOffice(t, mailtest.Answers{}, models.ViaEmail)
	o.tell("ann@example.com")
	env, err := json.Marshal(doomed{DSN: o.dsn, Temporal: temporaltest.Addr(t), Queue: o.queue, Mail: o.mail.Addr})
	require.NoError(t, err)
	child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{Bin: bin, Env: append(os.Environ(), envWorker+"="+string(env)), Log: io.Discard})
	require.NoError(t, err)
	t.Cleanup(child.Kill)
	o.sweep()
	select {
	case <-child.Done():
		require.ErrorContains(t, child.Err(), "killed")
	case <-time.After(time.Minute):
		require.Fail(t, "the worker did not get to sending")
	}
	assert.Equal(t, map[string]int{"email PENDING": 1}, o.states())
	o.open()
	o.exec("UPDATE messages SET due_at = '2020-01-01 00:00:00.000000'") // the lease is over
	o.until(map[string]int{"email SENT": 1})
	ids := map[string]int{}
	for _, mail := range o.mail.Mails() {
		read, err := mail.Read()
		require.NoError(t, err)
		ids[read.Header.Get("Message-Id")]++
	}
	require.Len(t, ids, 1)
	for _, n := range ids {
		assert.Equal(t, 2, n)
	}
}

// fatal kills its process as soon as a message was taken.
type fatal struct{ notify.Channel }

func (f fatal) Send(ctx context.Context, m notify.Message) error {
	err := f.Channel.Send(ctx, m)
	if err == nil {
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	}
	return err
}

// patient holds its first message until its worker drains.
type patient struct {
	notify.Channel
	first *sync.Once
	holds chan struct{}
}

func (p patient) Send(ctx context.Context, m notify.Message) error {
	p.first.Do(func() {
		close(p.holds)
		<-activity.GetWorkerStopChannel(ctx)
	})
	return p.Channel.Send(ctx, m)
}

// TestMessagesBeyondTheRateAreNotTried: whose turn doesn't come loses none of its tries.
func TestMessagesBeyondTheRateAreNotTried(t *testing.T) {
	t.Parallel()
	o := newOffice(t, mailtest.Answers{}, models.ViaEmail)
	o.tell(addresses(20)...)
	o.open(func(m *worker.Messages) {
		m.Channels[models.ViaEmail] = notify.Paced(m.Channels[models.ViaEmail], 0.001)
	})
	o.sweep()
	put := func(where string) (n int) {
		require.NoError(t, o.raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM messages WHERE "+where).Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return put("state = 'SENT'") == 1 && put("outcome = 'unreachable'") == 19 }, time.Minute, 20*time.Millisecond)
	assert.Zero(t, put("state = 'PENDING' AND outcome = 'unreachable' AND attempts > 0"))
	assert.Len(t, o.mail.Mails(), 1)
}

// TestMessagesOfAStoppedWorkerAreAnothers: what it has claimed is put back, not left to the end of the lease.
func TestMessagesOfAStoppedWorkerAreAnothers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, mailtest.Answers{}, models.ViaEmail)
	o.tell(addresses(20)...)
	slow := patient{Channel: o.email(), first: &sync.Once{}, holds: make(chan struct{})}
	stop := o.open(func(m *worker.Messages) { m.AtOnce, m.Channels[models.ViaEmail] = 1, slow })
	o.sweep()
	<-slow.holds
	stop()
	assert.Len(t, o.mail.Mails(), 1, "the one that was under way")
	o.open()
	o.until(map[string]int{"email SENT": 20})
	assert.Equal(t, addresses(20), o.mail.Recipients())
}

// TestMessagesHistories are on a real server; package workflows keeps those of earlier versions.
func TestMessagesHistories(t *testing.T) {
	t.Parallel()
	for _, down := range []bool{false, true} {
		t.Run(fmt.Sprint("down ", down), func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			o := newOffice(t, mailtest.Answers{Mail: func(string) error {
				if down && calls.Add(1) == 1 {
					return mailtest.Refuse(421, "too busy")
				}
				return nil
			}}, models.ViaEmail)
			o.tell(addresses(3)...)
			o.open(func(m *worker.Messages) { m.AtOnce = 1 })
			in := workflows.MessagesInput{Channel: models.ViaEmail}
			options := workflows.MessagesOptions(in, o.queue)
			run, err := o.temporal.ExecuteWorkflow(t.Context(), options, workflows.Messages, in)
			require.NoError(t, err)
			require.NoError(t, run.Get(t.Context(), nil))
			o.historyOfMail()
			o.keep(o.historyOf(options.ID), map[bool]string{false: "messages", true: "messages down"}[down])
		})
	}
}
