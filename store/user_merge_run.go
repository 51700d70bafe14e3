package store

import (
	"maps"
	"slices"

	"github.com/tearoff/tearoff/models"
)

// run moves all that is locked.
func (x *merge) run() error {
	for _, step := range []func() error{x.moveCoupons, x.moveRedemptions, x.moveProfile, x.moveRows, x.moveMembers} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// moveCoupons hands over the coupons, oldest first, each with the lowest ordinal that is free, and the counts of their use.
func (x *merge) moveCoupons() error {
	now, err := x.now()
	if err != nil {
		return err
	}
	taken := map[holderKey]map[int]bool{}
	var owned []models.Coupon
	if err := x.Select("batch_id", "ordinal").Find(&owned, "user_id = ? AND batch_id IN ?", x.into, slices.Collect(maps.Keys(x.books.counters))).Error; err != nil {
		return err
	}
	l := limits{taken: taken}
	for _, c := range owned {
		l.mark(holderKey{c.BatchID, models.LimitUser, x.into}, c.Ordinal)
	}
	first := map[string]*models.Coupon{}
	for _, id := range x.coupons {
		c := x.books.coupons[id]
		key := holderKey{c.BatchID, models.LimitUser, x.into}
		ordinal := l.free(key)
		l.mark(key, ordinal)
		x.books.handOver(c, x.into, ordinal, now)
		if first[c.BatchID] == nil {
			first[c.BatchID] = c
		}
	}
	for _, day := range slices.SortedFunc(maps.Keys(x.books.users), compareDays) {
		if day.userID == x.from && day.day != "" {
			x.books.carry(first[day.batchID], day, x.into, now)
		}
	}
	return x.books.write()
}

// moveRedemptions lets what is still to come of them, refunds above all, count for the other.
func (x *merge) moveRedemptions() error {
	if len(x.redemptions) == 0 {
		return nil
	}
	return x.guard(int64(len(x.redemptions)), "UPDATE redemptions SET user_id = ?, seq = seq + 1 WHERE id IN ?", x.into, x.redemptions)
}

// moveProfile fills what is not known of the one with what is known of the other.
func (x *merge) moveProfile() error {
	from, into, p := x.profiles.users[x.from], x.profiles.users[x.into], x.profiles
	c := ProfileChange{OptOut: new(into.OptOut | from.OptOut), Blocked: new(into.Blocked || from.Blocked), LastActiveAt: &from.LastActiveAt}
	if into.Locale == "" {
		c.Locale = &from.Locale
	}
	if into.TimeZone == "" {
		c.TimeZone = &from.TimeZone
	}
	for _, tag := range p.tags[x.from] {
		if len(c.AddTags)+len(p.tags[x.into]) < models.MaxTags && !slices.Contains(p.tags[x.into], tag) {
			c.AddTags = append(c.AddTags, tag)
		}
	}
	if err := p.change(x.into, c); err != nil {
		return err
	}
	into.Absorbed += 1 + from.Absorbed
	from.MergedInto, from.Absorbed, p.tags[x.from] = &x.into, 0, nil
	p.dirty[x.from], p.dirty[x.into] = true, true
	if err := p.write(); err != nil {
		return err
	}
	return x.Exec("UPDATE users SET merged_into = ?, seq = seq + 1 WHERE merged_into = ?", x.into, x.from).Error
}

// moveRows moves what belongs to nobody else.
func (x *merge) moveRows() error {
	for _, table := range []string{"user_identities", "messages"} {
		if err := x.Exec("UPDATE "+table+" SET user_id = ? WHERE user_id = ?", x.into, x.from).Error; err != nil {
			return err
		}
	}
	return nil
}

// moveMembers moves the places in audiences, and gives up those where the other is a member too.
func (x *merge) moveMembers() error {
	var both []string
	err := x.Raw("SELECT a.audience_id FROM audience_members a JOIN audience_members b ON b.audience_id = a.audience_id AND b.user_id = ? "+
		"WHERE a.user_id = ? ORDER BY a.audience_id", x.into, x.from).Scan(&both).Error
	if err != nil {
		return err
	}
	for _, id := range both {
		var found []models.Audience
		if err := x.locked().Find(&found, "id = ?", id).Error; err != nil {
			return err
		}
		if err := x.Exec("DELETE FROM audience_members WHERE audience_id = ? AND user_id = ?", id, x.from).Error; err != nil {
			return err
		}
		for i := range found { // a deleted one has members for a while
			if err := x.growAudience(&found[i], -1); err != nil {
				return err
			}
		}
	}
	return x.Exec("UPDATE audience_members SET user_id = ? WHERE user_id = ?", x.into, x.from).Error
}
