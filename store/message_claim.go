package store

import (
	"context"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
)

// MessageClaim asks for messages of a channel that are due.
type MessageClaim struct {
	Channel models.Channel
	Limit   int
	// Missing says that there is no such channel here: what is due is skipped, for all to see.
	Missing bool
}

// ClaimedMessages is what became of the messages that were due.
type ClaimedMessages struct {
	Found      int        // how many were due, up to the limit
	Deliveries []Delivery // those to be sent now; they are nobody else's for models.MessageLease
	Ended      map[models.MessageOutcome]int
}

// Delivery is a message that is to be sent, with what it takes to write and address it.
type Delivery struct {
	models.Message
	Address  string // personal data: for the channel alone
	User     models.User
	Batch    models.Batch // zero: it is of none
	Template *models.Template
}

// ClaimMessages judges messages that are due and leases those that are to be sent, so that any number of workers may ask.
// What must not be sent is skipped; what is of a batch whose messages are paused is put off. A message in the inbox needs no
// sending: it is there at once. A message whose worker died is due again after the lease.
func (s *Store) ClaimMessages(ctx context.Context, c MessageClaim) (ClaimedMessages, error) {
	var out ClaimedMessages
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		out = ClaimedMessages{Ended: map[models.MessageOutcome]int{}}
		var rows []*models.Message
		if err := tx.free().Where("state = ? AND channel = ? AND due_at <= ?", models.MessagePending, c.Channel, now).
			Order("due_at").Limit(c.Limit).Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		out.Found = len(rows)
		facts, err := tx.messageFacts(c.Channel, rows)
		if err != nil {
			return err
		}
		for _, m := range rows {
			if outcome := facts.judge(m, c, now); outcome != "" {
				m.State, m.Outcome, m.DueAt = models.MessageSkipped, outcome, now.Add(models.MessageKept)
				out.Ended[outcome]++
				continue
			}
			facts.takeOn(m, now)
			if m.State == models.MessageSent {
				out.Ended[""]++
			}
		}
		if err := tx.moveMessages(rows); err != nil {
			return err
		}
		out.Deliveries = facts.deliveries(rows)
		return nil
	})
	return out, err
}

// messageFacts are what messages are judged by. They are read without locks: who is blocked or opts out in this instant may
// still get what is on its way.
type messageFacts struct {
	users     map[string]models.User
	addresses map[string]string
	batches   map[string]models.Batch
	paused    map[string]bool
	templates map[templateKey]*models.Template
	leased    map[string]bool // ids of what is to be sent
	needless  map[string]bool // ids of reminders of coupons that can't be used any more
}

type templateKey struct {
	id      string
	version int
}

func (tx *txn) messageFacts(channel models.Channel, rows []*models.Message) (*messageFacts, error) {
	f := &messageFacts{
		users: map[string]models.User{}, addresses: map[string]string{}, batches: map[string]models.Batch{}, paused: map[string]bool{},
		templates: map[templateKey]*models.Template{}, leased: map[string]bool{}, needless: map[string]bool{},
	}
	userIDs := distinct(keysOf(rows, func(m *models.Message) string { return m.UserID }))
	var users []models.User
	if err := tx.Find(&users, "id IN ?", userIDs).Error; err != nil {
		return nil, err
	}
	for _, u := range users {
		f.users[u.ID] = u
	}
	if err := f.readAddresses(tx, channel, userIDs); err != nil {
		return nil, err
	}
	if err := f.readBatches(tx, distinct(keysOf(rows, func(m *models.Message) string { return m.BatchID }))); err != nil {
		return nil, err
	}
	if err := f.readReminded(tx, rows); err != nil {
		return nil, err
	}
	if channel == models.ViaInbox { // nobody reads it yet
		return f, nil
	}
	err := f.readTemplates(tx, rows)
	return f, err
}

// addressKinds are the identities that a channel reaches users by. A push goes to a service that knows users by the caller's id.
var addressKinds = map[models.Channel]models.IdentityKind{
	models.ViaEmail: models.IdentityEmail, models.ViaSMS: models.IdentityPhone, models.ViaPush: models.IdentityID,
}

// readAddresses takes the newest of several.
func (f *messageFacts) readAddresses(tx *txn, channel models.Channel, userIDs []string) error {
	kind, addressed := addressKinds[channel]
	if !addressed {
		return nil
	}
	var rows []models.Identity
	err := tx.Order("created_at, value").Find(&rows, "user_id IN ? AND kind = ?", userIDs, kind).Error
	for _, r := range rows {
		f.addresses[r.UserID] = r.Value
	}
	return err
}

func (f *messageFacts) readBatches(tx *txn, ids []string) error {
	var batches []models.Batch
	if err := tx.Find(&batches, "id IN ?", ids).Error; err != nil {
		return err
	}
	for _, b := range batches {
		f.batches[b.ID] = b
	}
	var counters []models.BatchCounter
	err := tx.Select("batch_id, paused").Find(&counters, "batch_id IN ?", ids).Error
	for _, c := range counters {
		f.paused[c.BatchID] = c.Paused.Has(models.PauseMessages)
	}
	return err
}

func (f *messageFacts) readTemplates(tx *txn, rows []*models.Message) error {
	versions := map[int]bool{}
	var numbers []int
	for _, m := range rows {
		if !versions[m.TemplateVersion] {
			versions[m.TemplateVersion] = true
			numbers = append(numbers, m.TemplateVersion)
		}
	}
	var templates []*models.Template
	err := tx.Find(&templates, "id IN ? AND version IN ?", distinct(keysOf(rows, func(m *models.Message) string { return m.TemplateID })), numbers).Error
	for _, t := range templates {
		f.templates[templateKey{t.ID, t.Version}] = t
	}
	return err
}

// judge says why a message must not be sent; "" when it may.
func (f *messageFacts) judge(m *models.Message, c MessageClaim, now models.Time) models.MessageOutcome {
	user, known := f.users[m.UserID]
	_, addressed := addressKinds[m.Channel]
	switch {
	case !m.SendUntil.IsZero() && !now.Before(m.SendUntil):
		return models.OutcomeTooLate
	case !known || user.Gone():
		return models.OutcomeGone
	case user.Blocked:
		return models.OutcomeBlocked
	case user.OptOut.Has(m.Channel.Set()):
		return models.OutcomeOptedOut
	case f.batches[m.BatchID].Notices.Inactive(user, now):
		return models.OutcomeInactive
	case f.needless[m.ID]:
		return models.OutcomeNeedless
	case c.Missing:
		return models.OutcomeNoChannel
	case addressed && f.addresses[m.UserID] == "":
		return models.OutcomeNoAddress
	default:
		return ""
	}
}

// The longest and the shortest that a message of a paused batch is put off.
const (
	pausedAtLeast = time.Minute
	pausedAtMost  = 15 * time.Minute
)

// takeOn moves a message that may be sent.
func (f *messageFacts) takeOn(m *models.Message, now models.Time) {
	switch {
	case f.paused[m.BatchID]: // the longer the pause the rarer the look, or a million messages would be moved every minute
		m.DueAt = now.Add(min(max(now.Sub(m.CreatedAt.Time), pausedAtLeast), pausedAtMost))
	case m.Channel == models.ViaInbox:
		m.State, m.Outcome, m.SentAt, m.DueAt = models.MessageSent, "", now, now.Add(models.InboxKept)
	default: // counted now, so that a message which kills its worker is not tried for ever
		m.Attempts++
		m.DueAt = now.Add(models.MessageLease)
		f.leased[m.ID] = true
	}
}

func (f *messageFacts) deliveries(rows []*models.Message) []Delivery {
	var all []Delivery
	for _, m := range rows {
		if f.leased[m.ID] {
			all = append(all, Delivery{
				Message: *m, Address: f.addresses[m.UserID], User: f.users[m.UserID], Batch: f.batches[m.BatchID],
				Template: f.templates[templateKey{m.TemplateID, m.TemplateVersion}],
			})
		}
	}
	slices.SortFunc(all, func(x, y Delivery) int { return x.CreatedAt.Compare(y.CreatedAt.Time) })
	return all
}
