package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// MessageQuery asks for messages by id. Empty fields ask for all.
type MessageQuery struct {
	Page
	State   models.MessageState
	Channel models.Channel
	UserID  string
}

// Messages lists messages, oldest first.
func (s *Store) Messages(ctx context.Context, q MessageQuery) ([]models.Message, error) {
	db := s.db.WithContext(ctx).Where("id > ?", q.After)
	for column, value := range map[string]string{
		"merchant_id": q.MerchantID, "state": string(q.State), "channel": string(q.Channel), "user_id": q.UserID,
	} {
		if value != "" {
			db = db.Where(column+" = ?", value)
		}
	}
	var rows []models.Message
	err := db.Order("id").Limit(q.Limit).Find(&rows).Error
	return rows, asError(err)
}

// Message returns a message, or CodeNotFound.
func (s *Store) Message(ctx context.Context, id string) (models.Message, error) {
	var m models.Message
	err := s.db.WithContext(ctx).Take(&m, "id = ?", id).Error
	return m, notFound(err, "message")
}

// Inbox is what a user can see, of one merchant; MerchantID "" is of all.
type Inbox struct {
	UserID     string
	MerchantID string
}

func (i Inbox) rows(db *gorm.DB) *gorm.DB {
	db = db.Where("user_id = ? AND channel = ? AND state = ?", i.UserID, models.ViaInbox, models.MessageSent)
	if i.MerchantID != "" {
		db = db.Where("merchant_id = ?", i.MerchantID)
	}
	return db
}

// InboxPage asks for up to Limit messages that are older than the one with the id Before; "" begins with the newest.
type InboxPage struct {
	Inbox
	Unread bool
	Before string
	Limit  int
}

// InboxRow is a message in the inbox, with what it takes to write it.
type InboxRow struct {
	models.Message
	Batch    models.Batch // zero: it is of none
	Template *models.Template
}

// InboxList is one page of a user's inbox.
type InboxList struct {
	Rows   []InboxRow
	Unread int64       // in all
	User   models.User // zero: there is none
}

// InboxMessages lists a user's inbox, newest first.
func (s *Store) InboxMessages(ctx context.Context, p InboxPage) (InboxList, error) {
	db := s.db.WithContext(ctx)
	out, err := inboxList(&txn{DB: db, store: s}, p)
	return out, asError(err)
}

func inboxList(tx *txn, p InboxPage) (InboxList, error) {
	var out InboxList
	if err := tx.Limit(1).Find(&out.User, "id = ?", p.UserID).Error; err != nil {
		return out, err
	}
	if err := p.rows(tx.DB).Model(&models.Message{}).Where("read_at IS NULL").Count(&out.Unread).Error; err != nil {
		return out, err
	}
	q := p.rows(tx.DB)
	if p.Unread {
		q = q.Where("read_at IS NULL")
	}
	if p.Before != "" {
		q = q.Where("id < ?", p.Before)
	}
	var rows []*models.Message
	if err := q.Order("id DESC").Limit(p.Limit).Find(&rows).Error; err != nil || len(rows) == 0 {
		return out, err
	}
	f := &messageFacts{batches: map[string]models.Batch{}, paused: map[string]bool{}, templates: map[templateKey]*models.Template{}}
	if err := f.readBatches(tx, distinct(keysOf(rows, func(m *models.Message) string { return m.BatchID }))); err != nil {
		return out, err
	}
	if err := f.readTemplates(tx, rows); err != nil {
		return out, err
	}
	for _, m := range rows {
		out.Rows = append(out.Rows, InboxRow{Message: *m, Batch: f.batches[m.BatchID], Template: f.templates[templateKey{m.TemplateID, m.TemplateVersion}]})
	}
	return out, nil
}

// ReadMessages marks messages of an inbox as read: the one with the id, or all for "". Read again changes nothing; a message
// that is not in this inbox is CodeNotFound. It returns how many are unread now.
func (s *Store) ReadMessages(ctx context.Context, in Inbox, id string) (unread int64, err error) {
	err = s.tx(ctx, func(tx *txn) error {
		mine := func() *gorm.DB {
			q := in.rows(tx.DB)
			if id != "" {
				q = q.Where("id = ?", id)
			}
			return q
		}
		var rows []*models.Message
		if err := mine().Select("id", "read_at").Order("id").Find(&rows).Error; err != nil {
			return err
		}
		if id != "" && len(rows) == 0 {
			return models.NewError(models.CodeNotFound, "there is no such message")
		}
		now, err := tx.now()
		if err != nil {
			return err
		}
		if err := mine().Model(&models.Message{}).Where("read_at IS NULL").Updates(map[string]any{
			"read_at": now, "due_at": now.Add(models.ReadKept), "seq": gorm.Expr("seq + 1"),
		}).Error; err != nil {
			return err
		}
		return in.rows(tx.DB).Model(&models.Message{}).Where("read_at IS NULL").Count(&unread).Error
	})
	return unread, err
}
