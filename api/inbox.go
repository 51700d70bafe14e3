package api

import (
	"context"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/notify/letter"
	"github.com/tearoff/tearoff/store"
)

type inboxInput struct {
	UserPath
	PageInput
	Unread bool   `query:"unread" doc:"true: only those that were not read."`
	Locale string `query:"locale" maxLength:"35" doc:"The language to write them in. Default: the user's."`
}

type readMessageInput struct {
	UserPath
	MessageID string `path:"message_id" maxLength:"100"`
}

type inboxOutput struct{ Body inboxPage }

type unreadOutput struct{ Body unread }

// unread says how many messages were not read yet.
type unread struct {
	Unread int64 `json:"unread"`
}

// inboxPage is one page of an inbox.
type inboxPage struct {
	Items      []inboxMessage `json:"items" nullable:"false"`
	NextCursor string         `json:"next_cursor,omitempty" doc:"Ask for the next page with it; absent on the last page."`
	Unread     int64          `json:"unread" doc:"How many of the whole inbox were not read yet."`
}

// inboxMessage is a message as its user reads it.
type inboxMessage struct {
	ID       string             `json:"id"`
	Kind     models.MessageKind `json:"kind" enum:"issued,reminder,refund,manual"`
	BatchID  string             `json:"batch_id,omitempty"`
	CouponID string             `json:"coupon_id,omitempty"`
	WrittenLetter
	SentAt time.Time  `json:"sent_at"`
	ReadAt *time.Time `json:"read_at,omitempty" doc:"Absent: not read yet."`
}

const inboxList = "inbox"

func (s *Server) inbox(ctx context.Context, in *inboxInput) (*inboxOutput, error) {
	before, err := after(in.Cursor, inboxList, models.PrefixMessage)
	if err != nil {
		return nil, err
	}
	box, err := s.inboxOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var got store.InboxList
	if box.UserID != "" {
		got, err = s.store.InboxMessages(ctx, store.InboxPage{Inbox: box, Unread: in.Unread, Before: before, Limit: in.Limit + 1})
	}
	l := list[store.InboxRow, inboxMessage]{
		name: inboxList, mark: func(r store.InboxRow) []string { return []string{r.ID} },
		view: func(r store.InboxRow) inboxMessage { return s.viewInbox(r, got.User, in.Locale) },
	}
	p := l.page(got.Rows, in.Limit)
	return &inboxOutput{Body: inboxPage{Items: p.Items, NextCursor: p.NextCursor, Unread: got.Unread}}, err
}

// viewInbox writes a message. One whose template can't be written is shown without its text: it says at least what it is about.
func (s *Server) viewInbox(r store.InboxRow, user models.User, locale string) inboxMessage {
	v := inboxMessage{ID: r.ID, Kind: r.Kind, BatchID: r.BatchID, CouponID: r.Params.CouponID, SentAt: r.SentAt.Time, ReadAt: instant(r.ReadAt)}
	if locale == "" {
		locale = user.Locale
	}
	if r.Template == nil {
		return v
	}
	written, err := s.press.Write(r.Template, letter.Facts{
		Locale: locale, Zone: letter.Zone(user.TimeZone, r.Batch.TimeZone), Now: time.Now(), BatchName: r.Batch.Name, MerchantID: r.MerchantID,
		Unsubscribe: s.cfg.Unsubscribe.Link(user.ID, models.ViaInbox), Params: r.Params,
	})
	if err == nil {
		v.WrittenLetter = viewLetter(written)
	}
	return v
}

func (s *Server) readMessage(ctx context.Context, in *readMessageInput) (*unreadOutput, error) {
	if err := idOf(in.MessageID, models.PrefixMessage, "message"); err != nil {
		return nil, err
	}
	return s.read(ctx, in.ID, in.MessageID)
}

func (s *Server) readAllMessages(ctx context.Context, in *UserPath) (*unreadOutput, error) {
	return s.read(ctx, in.ID, "")
}

func (s *Server) read(ctx context.Context, user, messageID string) (*unreadOutput, error) {
	box, err := s.inboxOf(ctx, user)
	if err != nil {
		return nil, err
	}
	n, err := s.store.ReadMessages(ctx, box, messageID)
	return &unreadOutput{Body: unread{n}}, err
}

// inboxOf is what the key can see of a user's inbox. A user whom nobody knows has an empty one.
func (s *Server) inboxOf(ctx context.Context, user string) (store.Inbox, error) {
	id, err := s.findUser(ctx, models.UserRef{ID: user}, "path")
	return store.Inbox{UserID: id, MerchantID: keyOf(ctx).MerchantID}, err
}
