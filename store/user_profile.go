package store

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// UserProfile is all that is kept about who a user is.
type UserProfile struct {
	models.User
	Identities []models.Identity
	Tags       []string
}

// UserProfile returns a user, or CodeNotFound; one that was merged answers as the other, one that was erased is
// CodeUserErased.
func (s *Store) UserProfile(ctx context.Context, id string) (UserProfile, error) {
	id, err := s.currentUser(ctx, id)
	if err != nil {
		return UserProfile{}, err
	}
	p := UserProfile{Identities: []models.Identity{}, Tags: []string{}}
	db := s.db.WithContext(ctx)
	if err := db.Take(&p.User, "id = ?", id).Error; err != nil {
		return p, notFound(err, "user")
	}
	if err := db.Order("kind, value").Find(&p.Identities, "user_id = ?", id).Error; err != nil {
		return p, asError(err)
	}
	err = db.Model(&models.UserTag{}).Where("user_id = ?", id).Order("tag").Pluck("tag", &p.Tags).Error
	return p, asError(err)
}

// UserProfiles lists users by id after one, without those who are gone.
func (s *Store) UserProfiles(ctx context.Context, after string, limit int) ([]UserProfile, error) {
	db := s.db.WithContext(ctx)
	var users []models.User
	if err := db.Order("id").Limit(limit).Find(&users, "id > ? AND merged_into IS NULL AND erased_at IS NULL", after).Error; err != nil || len(users) == 0 {
		return nil, asError(err)
	}
	rows, at, ids := make([]UserProfile, len(users)), map[string]*UserProfile{}, make([]string, len(users))
	for i, u := range users {
		rows[i] = UserProfile{User: u, Identities: []models.Identity{}, Tags: []string{}}
		ids[i], at[u.ID] = u.ID, &rows[i]
	}
	err := eachOf(db.Order("kind, value").Where("user_id IN ?", ids), func(known models.Identity) {
		at[known.UserID].Identities = append(at[known.UserID].Identities, known)
	})
	if err != nil {
		return nil, asError(err)
	}
	err = eachOf(db.Order("tag").Where("user_id IN ?", ids), func(t models.UserTag) { at[t.UserID].Tags = append(at[t.UserID].Tags, t.Tag) })
	return rows, asError(err)
}

// currentUser follows a merged user to the one who has taken over. Nobody is ever merged into one that was merged: that one
// follows at once.
func (s *Store) currentUser(ctx context.Context, id string) (string, error) {
	return currentUser(s.db.WithContext(ctx), id)
}

func (tx *txn) currentUser(id string) (string, error) { return currentUser(tx.DB, id) }

func currentUser(db *gorm.DB, id string) (string, error) {
	var user models.User
	if err := db.Take(&user, "id = ?", id).Error; err != nil {
		return "", notFound(err, "user")
	}
	switch {
	case !user.ErasedAt.IsZero():
		return "", models.NewError(models.CodeUserErased, "the user was erased")
	case user.MergedInto != nil:
		return *user.MergedInto, nil
	}
	return user.ID, nil
}

// ProfileChange changes what is known of a user; nil leaves a field as it is.
type ProfileChange struct {
	Locale       *string // canonical; "": not known
	TimeZone     *string
	OptOut       *models.ChannelSet
	LastActiveAt *models.Time // an earlier one than is known changes nothing
	Blocked      *bool
	SetTags      *[]string // normalised; replaces all tags
	AddTags      []string
	RemoveTags   []string
}

// changesTags reports whether tags may change.
func (c ProfileChange) changesTags() bool {
	return c.SetTags != nil || len(c.AddTags)+len(c.RemoveTags) > 0
}

// apply changes the user and reports whether it is another one now.
func (c ProfileChange) apply(u *models.User) bool {
	before := *u
	set(&u.Locale, c.Locale)
	set(&u.TimeZone, c.TimeZone)
	set(&u.OptOut, c.OptOut)
	set(&u.Blocked, c.Blocked)
	if c.LastActiveAt != nil && c.LastActiveAt.After(u.LastActiveAt) {
		u.LastActiveAt = *c.LastActiveAt
	}
	return *u != before
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// tags returns the user's tags after the change, sorted.
func (c ProfileChange) tags(before []string) []string {
	after := slices.Clone(before)
	if c.SetTags != nil {
		after = slices.Clone(*c.SetTags)
	}
	after = append(after, c.AddTags...)
	slices.Sort(after)
	return slices.DeleteFunc(slices.Compact(after), func(tag string) bool { return slices.Contains(c.RemoveTags, tag) })
}

// UserChange changes one user on somebody's word.
type UserChange struct {
	UserID string
	ProfileChange
	Audit models.AuditRecord // who and why; id, time and subject are filled in
}

// ChangeUser carries out a change; doing it again changes nothing. A merged user is changed at the one it is now. Refusals:
// CodeNotFound, CodeUserErased, CodeInvalidRequest for more tags than a user may have.
func (s *Store) ChangeUser(ctx context.Context, c UserChange) error {
	id, err := s.currentUser(ctx, c.UserID)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *txn) error {
		p, err := tx.lockProfiles([]string{id})
		if err != nil {
			return err
		}
		if err := p.change(id, c.ProfileChange); err != nil {
			return err
		}
		if len(p.dirty) == 0 {
			return nil
		}
		tx.changes[id] = true
		if err := p.write(); err != nil {
			return err
		}
		c.Audit.Subject = id
		return tx.audit(c.Audit)
	})
	s.hot.blocked.Invalidate(id)
	return err
}
