package store

import (
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// available are the batch's coupons that can be used: not those in a checkout.
func (p *reminderPage) available() *gorm.DB {
	return p.tx.Model(&models.Coupon{}).Where("batch_id = ? AND state = ?", p.batch.ID, models.CouponAvailable)
}

// tell writes a reminder for each owner who is to be told, and returns how many. What is read here is not locked: a
// reminder of a coupon that is being used this moment is no fault, and is judged once more when it is sent.
func (p *reminderPage) tell(r *models.Reminding, due []dueCoupon) (int, error) {
	due, err := p.unchanged(r, due)
	if err != nil {
		return 0, err
	}
	first := map[string]dueCoupon{} // of each owner, the coupon that ends first
	for i := len(due) - 1; i >= 0; i-- {
		first[due[i].UserID] = due[i]
	}
	for _, leave := range []func(r *models.Reminding, users []string) ([]string, error){p.told, p.unreachable, p.nearer} {
		if len(first) == 0 {
			return 0, nil
		}
		users, err := leave(r, owners(first))
		if err != nil {
			return 0, err
		}
		for _, u := range users {
			delete(first, u)
		}
	}
	if len(first) == 0 {
		return 0, nil
	}
	return len(first), p.remind(r, first)
}

// owners are in the order of the keys, so that two transactions that write rows for them wait in one direction.
func owners(first map[string]dueCoupon) []string {
	users := make([]string, 0, len(first))
	for u := range first {
		users = append(users, u)
	}
	slices.Sort(users)
	return users
}

// unchanged are the coupons that were available when the threshold fell due and that nothing has happened to since. One
// that was claimed, given back or freed afterwards is for the next threshold, whenever this run gets to look at it.
func (p *reminderPage) unchanged(r *models.Reminding, due []dueCoupon) ([]dueCoupon, error) {
	if len(due) == 0 {
		return nil, nil
	}
	var changed []string
	ids := keysOf(due, func(c dueCoupon) string { return c.ID })
	err := p.tx.Model(&models.LedgerEntry{}).Where("coupon_id IN ? AND at > ?", ids, r.Instant).Pluck("coupon_id", &changed).Error
	slices.Sort(changed)
	return slices.DeleteFunc(due, func(c dueCoupon) bool {
		_, found := slices.BinarySearch(changed, c.ID)
		return found
	}), err
}

// told are the users who were told on this notify day, or today by a late run of one before. Each day is asked for by itself,
// from the users to their reminders: the other way round a server whose statistics are behind reads all whom the day has told
// so far, for every page again.
func (p *reminderPage) told(_ *models.Reminding, users []string) ([]string, error) {
	s := p.tx.store
	join := s.thenJoin() + "reminders AS r ON r.batch_id = ? AND r.day = ? AND r.user_id = u.id"
	var told []string
	for _, day := range p.days {
		var found []string
		err := p.tx.Table("users AS u"+s.byPrimaryKey()).Joins(join, p.batch.ID, day).
			Where("u.id IN ? AND (r.day = ? OR r.at >= ?)", users, p.run.Day, p.batch.Today(p.now)).Pluck("u.id", &found).Error
		if err != nil {
			return nil, err
		}
		told = append(told, found...)
	}
	return told, nil
}

// unreachable are the users whom nobody writes to, whatever they want.
func (p *reminderPage) unreachable(_ *models.Reminding, users []string) ([]string, error) {
	var rows []models.User
	if err := p.tx.Select("id, blocked, merged_into, erased_at").Find(&rows, "id IN ?", users).Error; err != nil {
		return nil, err
	}
	reachable := make(map[string]bool, len(rows))
	for _, u := range rows {
		reachable[u.ID] = !u.Blocked && !u.Gone()
	}
	return slices.DeleteFunc(users, func(u string) bool { return reachable[u] }), nil
}

// nearer are the users who have a coupon that ends sooner and has its own turn later on this day: that one is theirs.
func (p *reminderPage) nearer(r *models.Reminding, users []string) ([]string, error) {
	var nearer []string
	for _, x := range p.list {
		if x.DaysBefore >= r.DaysBefore || !x.Instant.After(r.Instant) {
			continue
		}
		var found []string
		err := p.available().Where("user_id IN ? AND valid_until > ? AND valid_until <= ?", users, x.From, x.To).
			Distinct().Pluck("user_id", &found).Error
		if err != nil {
			return nil, err
		}
		nearer = append(nearer, found...)
	}
	return nearer, nil
}

// remind writes the reminders and what tells of them.
func (p *reminderPage) remind(r *models.Reminding, first map[string]dueCoupon) error {
	users := owners(first)
	coupons, err := p.count(r, users)
	if err != nil {
		return err
	}
	template, err := p.template(r)
	if err != nil {
		return err
	}
	rows := make([]models.Reminder, len(users))
	var messages []models.Message
	for i, u := range users {
		c := first[u]
		rows[i] = models.Reminder{
			BatchID: p.batch.ID, Day: p.run.Day, UserID: u, DaysBefore: r.DaysBefore, Coupons: max(1, coupons[u]), ValidUntil: c.ValidUntil, At: p.now,
		}
		if template != nil {
			messages = append(messages, r.Messages(template, rows[i], c.ID)...)
		}
	}
	if err := insert(p.tx, reminderTable, pointers(rows)); err != nil {
		return err
	}
	if err := p.emit(rows, first); err != nil {
		return err
	}
	return p.tx.addMessages(messages)
}

// emit tells the merchant's webhooks. The coupons are not locked, so an event of what happens to one this moment may come first.
func (p *reminderPage) emit(rows []models.Reminder, first map[string]dueCoupon) error {
	merchant := p.batch.MerchantID
	if heard, err := p.tx.listening(); err != nil || !heard.hear(merchant, models.EventCouponExpiring) {
		return err
	}
	for _, r := range rows {
		c := first[r.UserID]
		if err := p.tx.emit(models.Event{Type: models.EventCouponExpiring, MerchantID: merchant, Subject: c.ID, SubjectSeq: c.Seq}.With(models.NewExpiringEvent(r, c.ID))); err != nil {
			return err
		}
	}
	return nil
}

// count says how many coupons of each user end in the threshold's window.
func (p *reminderPage) count(r *models.Reminding, users []string) (map[string]int, error) {
	var rows []struct {
		UserID string
		N      int
	}
	err := p.available().Select("user_id, COUNT(*) AS n").Where("user_id IN ? AND valid_until > ? AND valid_until <= ?",
		users, later(r.From, p.now), r.To).Group("user_id").Find(&rows).Error
	coupons := make(map[string]int, len(rows))
	for _, row := range rows {
		coupons[row.UserID] = row.N
	}
	return coupons, err
}

// template is what the messages are made with; nil when the merchant has none, and then only webhooks are told.
func (p *reminderPage) template(r *models.Reminding) (*models.Template, error) {
	if r.TemplateID == "" {
		return p.tx.boundTemplate(p.batch.MerchantID, models.MessageReminder)
	}
	t, err := p.tx.newestTemplate(r.TemplateID)
	if models.CodeOf(err) == models.CodeNotFound {
		return nil, nil
	}
	return t, err
}
