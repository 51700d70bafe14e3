package main

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify"
	"github.com/tearoff/tearoff/worker"
)

// messageLinger is how long a channel's activity waits for further messages.
const messageLinger = 10 * time.Second

// messageFlags say how users are reached. The zero value is the inbox alone. Secrets are best given by the environment.
type messageFlags struct {
	SMTP              string   `name:"smtp" help:"The mail server: smtp://user:password@host:587 (STARTTLS) or smtps://…:465; ?tls=none for a catcher. Better given by the environment." placeholder:"URL" env:"TEAROFF_SMTP"`
	MailFrom          string   `help:"In whose name mail is sent: Shop <coupons@shop.example>." placeholder:"ADDRESS" env:"TEAROFF_MAIL_FROM"`
	MailReplyTo       string   `help:"Who gets the answers to mail." placeholder:"ADDRESS" env:"TEAROFF_MAIL_REPLY_TO"`
	MailRate          float64  `help:"Mails a second at most; 0 is no limit." default:"0" env:"TEAROFF_MAIL_RATE"`
	MessagesAtOnce    int      `help:"Messages of a channel that a worker hands over at the same time: as many connections to the mail server." default:"32" env:"TEAROFF_MESSAGES_AT_ONCE"`
	SMSURL            string   `name:"sms-url" help:"The service that delivers SMS, by signed requests." placeholder:"URL" env:"TEAROFF_SMS_URL"`
	SMSSecret         []string `name:"sms-secret" help:"What requests to it are signed with: whsec_…; several while one is replaced." placeholder:"SECRET" env:"TEAROFF_SMS_SECRET"`
	PushURL           string   `name:"push-url" help:"The service that delivers push messages, by signed requests." placeholder:"URL" env:"TEAROFF_PUSH_URL"`
	PushSecret        []string `name:"push-secret" help:"What requests to it are signed with: whsec_…; several while one is replaced." placeholder:"SECRET" env:"TEAROFF_PUSH_SECRET"`
	MessagePrivate    bool     `name:"message-allow-private" help:"The services for SMS and push may be in a private network, and without TLS." env:"TEAROFF_MESSAGE_ALLOW_PRIVATE"`
	UnsubscribeURL    string   `name:"unsubscribe-url" help:"POST /v1/unsubscribe as users reach it; with a secret, mail then has links that end it." placeholder:"URL" env:"TEAROFF_UNSUBSCRIBE_URL"`
	UnsubscribeSecret string   `name:"unsubscribe-secret" help:"What those links are signed with: at least 32 bytes." placeholder:"SECRET" env:"TEAROFF_UNSUBSCRIBE_SECRET"`
}

func (f messageFlags) unsubscribe() (models.Unsubscribe, error) {
	u := models.Unsubscribe{URL: f.UnsubscribeURL, Secret: f.UnsubscribeSecret}
	return u, u.Check()
}

// worker is how a worker reaches users.
func (f messageFlags) worker(registry prometheus.Registerer) (worker.Messages, error) {
	ended := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tearoff_messages_total", Help: "Messages that were tried or ended, by channel and outcome; sent is one.",
	}, []string{"channel", "outcome"})
	registry.MustRegister(ended)
	channels, err := f.channels()
	links, faulty := f.unsubscribe()
	return worker.Messages{
		Channels: channels, Unsubscribe: links.Link, AtOnce: f.MessagesAtOnce, Linger: messageLinger,
		Ended: func(channel models.Channel, outcome models.MessageOutcome, n int) {
			if outcome == "" {
				outcome = "sent"
			}
			ended.WithLabelValues(string(channel), string(outcome)).Add(float64(n))
		},
	}, errors.Join(err, faulty)
}

func (f messageFlags) channels() (map[models.Channel]notify.Channel, error) {
	channels := map[models.Channel]notify.Channel{}
	var faults []error
	if f.SMTP != "" {
		email, err := notify.NewEmail(notify.EmailConfig{URL: f.SMTP, From: f.MailFrom, ReplyTo: f.MailReplyTo, Idle: f.MessagesAtOnce})
		if err == nil {
			channels[models.ViaEmail] = notify.Paced(email, f.MailRate)
		}
		faults = append(faults, err)
	}
	sender := notify.NewWebhooks(notify.WebhookOptions{AllowPrivate: f.MessagePrivate})
	for _, c := range []notify.HookConfig{
		{URL: f.SMSURL, Secrets: f.SMSSecret, Channel: models.ViaSMS}, {URL: f.PushURL, Secrets: f.PushSecret, Channel: models.ViaPush},
	} {
		if c.URL == "" {
			continue
		}
		hook, err := notify.NewHook(sender, c)
		if err == nil {
			channels[c.Channel] = hook
		}
		faults = append(faults, err)
	}
	return channels, errors.Join(faults...)
}
