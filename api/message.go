package api

import (
	"cmp"
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type listMessagesInput struct {
	PageInput
	State   models.MessageState `query:"state" enum:"PENDING,SENT,SKIPPED,DEAD" doc:"Default: any."`
	Channel models.Channel      `query:"channel" enum:"inbox,email,sms,push" doc:"Default: any."`
	User    string              `query:"user" maxLength:"200" doc:"Your own id of the user, or Tearoff's (usr_…). Default: all."`
}

type writeMessageInput struct {
	Keyed
	Body struct {
		TemplateID string            `json:"template_id" maxLength:"100" doc:"Of the kind manual."`
		User       models.UserRef    `json:"user"`
		Fields     map[string]string `json:"fields,omitempty" maxProperties:"50" doc:"What the template shows as {{.fields.NAME}}. They are stored: no personal data."`
		SendAt     *time.Time        `json:"send_at,omitempty" doc:"Default: now."`
		Reason     string            `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type writtenMessagesOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true: an earlier request with the same key wrote them."`
	Body     page[message]
}

// MessagePath names a message.
type MessagePath struct {
	ID string `path:"id" maxLength:"100"`
}

type retryMessageInput struct {
	MessagePath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

type messageOutput struct{ Body message }

type messagesOutput struct{ Body page[message] }

// message is one thing that one user is told through one channel.
type message struct {
	ID              string                `json:"id"`
	MerchantID      string                `json:"merchant_id,omitempty"`
	UserID          string                `json:"user_id" doc:"Tearoff's own id of the user."`
	BatchID         string                `json:"batch_id,omitempty"`
	TemplateID      string                `json:"template_id"`
	TemplateVersion int                   `json:"template_version"`
	Channel         models.Channel        `json:"channel" enum:"inbox,email,sms,push"`
	Kind            models.MessageKind    `json:"kind" enum:"issued,reminder,refund,manual"`
	State           models.MessageState   `json:"state" enum:"PENDING,SENT,SKIPPED,DEAD"`
	Outcome         models.MessageOutcome `json:"outcome,omitempty" doc:"Why it was skipped or is dead, or what the last try met." example:"address_refused"`
	Attempts        int                   `json:"attempts"`
	NextAt          *time.Time            `json:"next_at,omitempty" doc:"When a pending one is tried next."`
	SentAt          *time.Time            `json:"sent_at,omitempty"`
	ReadAt          *time.Time            `json:"read_at,omitempty"`
	CreatedAt       time.Time             `json:"created_at"`
}

func viewMessage(m models.Message) message {
	v := message{
		ID: m.ID, MerchantID: m.MerchantID, UserID: m.UserID, BatchID: m.BatchID, TemplateID: m.TemplateID, TemplateVersion: m.TemplateVersion,
		Channel: m.Channel, Kind: m.Kind, State: m.State, Outcome: m.Outcome, Attempts: m.Attempts, SentAt: instant(m.SentAt), ReadAt: instant(m.ReadAt),
		CreatedAt: m.CreatedAt.Time,
	}
	if m.State == models.MessagePending {
		v.NextAt = instant(m.DueAt)
	}
	return v
}

const messageList = "messages"

var messagePages = list[models.Message, message]{
	name: messageList, view: viewMessage, mark: func(m models.Message) []string { return []string{m.ID} },
}

func (s *Server) listMessages(ctx context.Context, in *listMessagesInput) (*messagesOutput, error) {
	from, err := after(in.Cursor, messageList, models.PrefixMessage)
	if err != nil {
		return nil, err
	}
	q := store.MessageQuery{
		Page: store.Page{MerchantID: keyOf(ctx).MerchantID, After: from, Limit: in.Limit + 1}, State: in.State, Channel: in.Channel,
	}
	if in.User != "" {
		if q.UserID, err = s.findUser(ctx, models.UserRef{ID: in.User}, "query.user"); err != nil {
			return nil, err
		}
		if q.UserID == "" {
			return &messagesOutput{Body: messagePages.page(nil, in.Limit)}, nil
		}
	}
	rows, err := s.store.Messages(ctx, q)
	return &messagesOutput{Body: messagePages.page(rows, in.Limit)}, err
}

// writeMessage tells one user something.
func (s *Server) writeMessage(ctx context.Context, in *writeMessageInput) (*writtenMessagesOutput, error) {
	t, err := s.template(ctx, in.Body.TemplateID, 0)
	if err != nil {
		return nil, err
	}
	if t.Kind != models.MessageManual {
		return nil, invalid(Fault{Path: "body.template_id", Message: "must be of the kind manual"})
	}
	userID, err := s.ensureUser(ctx, in.Body.User)
	if err != nil {
		return nil, err
	}
	notice := models.Notice{
		UserID: userID, DedupeKey: models.Hash("manual", keyOf(ctx).ID, cmp.Or(in.Key, models.NewID(models.PrefixMessage))),
		Params: models.MessageParams{Fields: in.Body.Fields},
	}
	if in.Body.SendAt != nil {
		notice.DueAt = models.NewTime(*in.Body.SendAt)
	}
	rows, replayed, err := s.store.WriteMessage(ctx, t.Messages(notice), audited(ctx, "message.write", in.Body.Reason))
	return &writtenMessagesOutput{Replayed: replayedAs(replayed), Body: messagePages.page(rows, len(rows))}, err
}

func (s *Server) retryMessage(ctx context.Context, in *retryMessageInput) (*messageOutput, error) {
	if err := idOf(in.ID, models.PrefixMessage, "message"); err != nil {
		return nil, err
	}
	m, err := s.store.RetryMessage(ctx, keyOf(ctx).MerchantID, in.ID, audited(ctx, "message.retry", in.Body.Reason))
	if err != nil {
		return nil, err
	}
	return &messageOutput{Body: viewMessage(m)}, nil
}

// messageRoutes are those of messages: what operators do, and what users see of them.
func (s *Server) messageRoutes() []route {
	return []route{
		on(s, spec{Route: "GET /v1/admin/messages", Name: "list-messages", Roles: adminRead,
			Summary: "Messages, all or of a state"}, s.listMessages),
		on(s, spec{Route: "POST /v1/admin/messages", Name: "write-message", Roles: admins, Status: 201,
			Summary: "Tell a user something"}, s.writeMessage),
		on(s, spec{Route: "POST /v1/admin/messages/{id}/retry", Name: "retry-message", Roles: admins, Status: 200,
			Summary: "Try a message again that was given up or skipped"}, s.retryMessage),
		on(s, spec{Route: "GET /v1/users/{id}/messages", Name: "list-user-messages", Roles: shopReads,
			Summary: "A user's inbox, newest first"}, s.inbox),
		on(s, spec{Route: "POST /v1/users/{id}/messages/read-all", Name: "read-all-messages", Roles: shops, Status: 200,
			Summary: "The user has read all of the inbox"}, s.readAllMessages),
		on(s, spec{Route: "POST /v1/users/{id}/messages/{message_id}/read", Name: "read-message", Roles: shops, Status: 200,
			Summary: "The user has read a message"}, s.readMessage),
		on(s, spec{Route: "GET /v1/users/{id}/opt-outs", Name: "get-opt-outs", Roles: shopReads,
			Summary: "Channels through which a user wants nothing"}, s.getOptOuts),
		on(s, spec{Route: "PUT /v1/users/{id}/opt-outs", Name: "set-opt-outs", Roles: shops, Status: 200,
			Summary: "Say through which channels a user wants nothing"}, s.setOptOuts),
		on(s, spec{Route: "GET /v1/unsubscribe/{token}", Name: "ask-unsubscribe", Gives: htmlType,
			Summary: "A page that asks a user who followed the link in a message; it changes nothing"}, s.askUnsubscribe),
		on(s, spec{Route: "POST /v1/unsubscribe/{token}", Name: "unsubscribe", Gives: htmlType,
			Summary: "A user ends such messages by the link in one"}, s.unsubscribe),
	}
}
