package store

import (
	"context"
	"errors"

	"github.com/tearoff/tearoff/models"
)

// UserUpsert names a user, who is made if nobody is named by it, and says what is to change.
type UserUpsert struct {
	Ref models.UserRef
	ProfileChange
	KnownOnly bool // make nobody: CodeUnknownUser
}

// UpsertOutcome is whom a UserUpsert names, or why it could not be done. It stands for that one alone.
type UpsertOutcome struct {
	UserID  string
	Created bool
	Err     *models.Error
}

// UpsertUsers carries out each on its own, in one transaction. Identities that are new come to name the user too, as in
// EnsureUser. Doing it again changes nothing. Refusals: CodeInvalidRequest, CodeUnknownUser, CodeUserErased.
func (s *Store) UpsertUsers(ctx context.Context, list []UserUpsert) ([]UpsertOutcome, error) {
	var out []UpsertOutcome
	err := s.tx(ctx, func(tx *txn) (err error) {
		out, err = tx.upsertUsers(list)
		return err
	})
	for _, o := range out {
		s.hot.blocked.Invalidate(o.UserID)
	}
	return out, err
}

// upsert is UpsertUsers under way.
type upsert struct {
	*newcomers
	list    []UserUpsert
	out     []UpsertOutcome
	asked   [][]models.Identity
	current map[string]string // ids of ours that were named, and who that is now
}

func (tx *txn) upsertUsers(list []UserUpsert) ([]UpsertOutcome, error) {
	u := &upsert{list: list, out: make([]UpsertOutcome, len(list)), asked: make([][]models.Identity, len(list)), current: map[string]string{}}
	if err := u.read(tx); err != nil {
		return nil, err
	}
	for i := range list {
		if u.out[i].Err == nil {
			u.out[i] = u.whom(i)
		}
	}
	p, err := tx.newProfiles(u.locked)
	if err != nil {
		return nil, err
	}
	for i := range u.users {
		p.users[u.users[i].ID], p.fresh[u.users[i].ID] = &u.users[i], true
	}
	for i, o := range u.out {
		if o.Err != nil {
			continue
		}
		if err := p.change(o.UserID, list[i].ProfileChange); err != nil {
			u.out[i].Err = refusalOf(err)
		}
	}
	if err := u.write(); err != nil {
		return nil, err
	}
	return u.out, p.write()
}

// read finds and locks whom the list names.
func (u *upsert) read(tx *txn) error {
	var ours, current []string
	for i, it := range u.list {
		if models.HasPrefix(it.Ref.ID, models.PrefixUser) {
			ours = append(ours, it.Ref.ID)
			continue
		}
		var err error
		if u.asked[i], err = it.Ref.Identities(); err != nil {
			u.out[i].Err = refusalOf(err)
		}
	}
	if len(ours) > 0 {
		var rows []models.User
		if err := tx.Find(&rows, "id IN ?", ours).Error; err != nil {
			return err
		}
		for _, r := range rows {
			id := r.ID
			if r.MergedInto != nil {
				id = *r.MergedInto
			}
			u.current[r.ID], current = id, append(current, id)
		}
	}
	var err error
	u.newcomers, err = tx.newcomers(u.asked, current)
	return err
}

// whom says whom the i-th names.
func (u *upsert) whom(i int) UpsertOutcome {
	it := u.list[i]
	if u.asked[i] == nil {
		if id := u.current[it.Ref.ID]; id != "" {
			return UpsertOutcome{UserID: id}
		}
		return UpsertOutcome{Err: models.NewError(models.CodeUnknownUser, "there is no user with this id")}
	}
	if it.KnownOnly && !u.knows(u.asked[i]) {
		return UpsertOutcome{Err: models.NewError(models.CodeUnknownUser, "nobody known is named by this")}
	}
	before := len(u.users)
	id := u.name(u.asked[i])
	return UpsertOutcome{UserID: id, Created: len(u.users) > before}
}

// knows reports whether one of the identities names somebody.
func (n *newcomers) knows(identities []models.Identity) bool {
	for _, i := range identities {
		if n.owner[userKey{i.Kind, i.Value}] != "" {
			return true
		}
	}
	return false
}

// refusalOf is the refusal that an error is; what is none is a fault of ours.
func refusalOf(err error) *models.Error {
	var refusal *models.Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return models.NewError(models.CodeInternal, "the store failed").Wrap(err)
}
