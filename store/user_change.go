package store

import (
	"cmp"
	"maps"
	"slices"

	"gorm.io/gorm/clause"

	"github.com/tearoff/tearoff/models"
)

// profiles are users that are locked, to be changed together.
type profiles struct {
	tx     *txn
	users  map[string]*models.User
	stored map[string][]string // tags of each user, as they are written; sorted
	tags   map[string][]string // as they are to be
	dirty  map[string]bool     // users that must be written
	fresh  map[string]bool     // users whose row the caller inserts
}

// lockProfiles locks users in the order of their ids. It comes after all other locks of a transaction but those of rows that
// belong to the users alone. Users that don't exist are left out.
func (tx *txn) lockProfiles(ids []string) (*profiles, error) {
	users, err := tx.lockUserRows(ids)
	if err != nil {
		return nil, err
	}
	return tx.newProfiles(users)
}

// lockUserRows locks users in the order of their ids.
func (tx *txn) lockUserRows(ids []string) (map[string]*models.User, error) {
	users := make(map[string]*models.User, len(ids))
	if len(ids) == 0 {
		return users, nil
	}
	var rows []*models.User
	err := tx.locked().Order("id").Find(&rows, "id IN ?", distinct(ids)).Error
	for _, u := range rows {
		users[u.ID] = u
	}
	return users, err
}

func (tx *txn) newProfiles(users map[string]*models.User) (*profiles, error) {
	p := &profiles{tx: tx, users: users, stored: map[string][]string{}, dirty: map[string]bool{}, fresh: map[string]bool{}}
	var tags []models.UserTag
	if len(users) > 0 {
		if err := tx.Order("user_id, tag").Find(&tags, "user_id IN ?", slices.Collect(maps.Keys(users))).Error; err != nil {
			return nil, err
		}
	}
	for _, t := range tags {
		p.stored[t.UserID] = append(p.stored[t.UserID], t.Tag)
	}
	p.tags = maps.Clone(p.stored)
	return p, nil
}

// change notes what is to change of a user, or says why it can't.
func (p *profiles) change(id string, c ProfileChange) error {
	user := p.users[id]
	switch {
	case user == nil:
		return models.NewError(models.CodeNotFound, "there is no such user")
	case user.Gone():
		return errGone(user)
	}
	after := p.tags[id]
	if c.changesTags() {
		if after = c.tags(after); len(after) > models.MaxTags {
			return models.NewError(models.CodeInvalidRequest, "the user would have too many tags").With("most", models.MaxTags)
		}
	}
	if c.apply(user) || !slices.Equal(after, p.tags[id]) {
		p.tags[id], p.dirty[id] = after, true
	}
	return nil
}

// errGone says what has become of a user.
func errGone(u *models.User) error {
	if u.MergedInto != nil {
		return models.NewError(models.CodeUserMerged, "the user was merged into another").With("user_id", *u.MergedInto)
	}
	return models.NewError(models.CodeUserErased, "the user was erased")
}

// write stores what has changed.
func (p *profiles) write() error {
	var rows []*models.User
	var added []models.UserTag
	for _, id := range slices.Sorted(maps.Keys(p.dirty)) {
		if !p.fresh[id] {
			p.users[id].Seq++
			rows = append(rows, p.users[id])
		}
		for _, tag := range p.tags[id] {
			if !slices.Contains(p.stored[id], tag) {
				added = append(added, models.UserTag{UserID: id, Tag: tag})
			}
		}
	}
	if len(rows) > 0 {
		err := p.tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, UpdateAll: true}).CreateInBatches(rows, 500).Error
		if err != nil {
			return err
		}
	}
	if err := p.deleteTags(); err != nil || len(added) == 0 {
		return err
	}
	slices.SortFunc(added, func(a, b models.UserTag) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Tag, b.Tag))
	})
	return p.tx.CreateInBatches(added, 500).Error
}

// deleteTags takes back those that are written and no longer wanted.
func (p *profiles) deleteTags() error {
	for _, id := range slices.Sorted(maps.Keys(p.dirty)) {
		gone := slices.DeleteFunc(slices.Clone(p.stored[id]), func(tag string) bool { return slices.Contains(p.tags[id], tag) })
		if len(gone) == 0 {
			continue
		}
		if err := p.tx.guard(int64(len(gone)), "DELETE FROM user_tags WHERE user_id = ? AND tag IN ?", id, gone); err != nil {
			return err
		}
	}
	return nil
}
