package store

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// FindUser returns the id of the user that the reference names, or CodeNotFound.
func (s *Store) FindUser(ctx context.Context, ref models.UserRef) (string, error) {
	if models.HasPrefix(ref.ID, models.PrefixUser) {
		return s.hotUser(userKey{value: ref.ID}, func() (string, bool, error) {
			id, err := s.currentUser(ctx, ref.ID)
			return id, true, err
		})
	}
	identities, err := ref.Identities()
	if err != nil {
		return "", err
	}
	return s.hotUser(userKey{identities[0].Kind, identities[0].Value}, func() (string, bool, error) {
		known, err := findIdentities(s.db.WithContext(ctx), identities)
		if err != nil {
			return "", false, asError(err)
		}
		if known == nil {
			return "", false, models.NewError(models.CodeNotFound, "there is no such user")
		}
		return known[0].UserID, known[0].Kind == identities[0].Kind, nil
	})
}

// EnsureUser returns the id of the user that the reference names, and makes the user at first sight. Identities that are
// new come to name that user too, up to maxIdentities of a kind. When those of the reference belong to different users, the
// strongest names the user and the others stay where they are.
func (s *Store) EnsureUser(ctx context.Context, ref models.UserRef) (string, error) {
	if models.HasPrefix(ref.ID, models.PrefixUser) {
		return s.FindUser(ctx, ref)
	}
	identities, err := ref.Identities()
	if err != nil {
		return "", err
	}
	if id, ok := s.hot.users.GetIfPresent(userKey{identities[0].Kind, identities[0].Value}); ok && len(identities) == 1 {
		return id, nil
	}
	return s.combined.ensureUser(ctx, identities)
}

// ensureUsers does for each list of identities what EnsureUser does. Those that are all known are answered by one read,
// the others in one transaction.
func (s *Store) ensureUsers(ctx context.Context, asked [][]models.Identity) ([]string, error) {
	known, err := findIdentities(s.db.WithContext(ctx), slices.Concat(asked...))
	if err != nil {
		return nil, asError(err)
	}
	owner := make(map[userKey]string, len(known))
	for _, i := range known {
		owner[userKey{i.Kind, i.Value}] = i.UserID
	}
	ids := make([]string, len(asked))
	var rest []int
	for i, identities := range asked {
		ids[i] = owner[userKey{identities[0].Kind, identities[0].Value}]
		if slices.ContainsFunc(identities, func(i models.Identity) bool { return owner[userKey{i.Kind, i.Value}] == "" }) {
			rest = append(rest, i)
		}
	}
	if len(rest) == 0 {
		return ids, nil
	}
	unknown := make([][]models.Identity, len(rest))
	for i, at := range rest {
		unknown[i] = asked[at]
	}
	err = s.tx(ctx, func(tx *txn) error {
		n, err := tx.newcomers(unknown, nil)
		if err != nil {
			return err
		}
		n.active = true
		for i, at := range rest {
			ids[at] = n.name(unknown[i])
		}
		return n.write()
	})
	return ids, err
}

// maxIdentities bounds how many identities of one kind come to name a user: all of them are read, under the lock on a hot
// batch's counter, where the batch counts by them. Further ones are not kept; they count for the request they come with.
const maxIdentities = 20

// newcomers are users and identities that are about to be written, beside those that are there.
type newcomers struct {
	tx         *txn
	now        models.Time
	active     bool                                   // they are here: it isn't an import that names them
	locked     map[string]*models.User                // known ones: they must not be merged or erased while they are given identities
	owner      map[userKey]string                     // of each identity that was asked for and is known
	kept       map[string]map[models.IdentityKind]int // how many identities of each kind a known user has
	users      []models.User
	identities []models.Identity
}

// newcomers locks the users whom the identities name, and others that the caller is about to change.
func (tx *txn) newcomers(asked [][]models.Identity, others []string) (*newcomers, error) {
	n := &newcomers{tx: tx, owner: map[userKey]string{}, kept: map[string]map[models.IdentityKind]int{}}
	var err error
	if n.now, err = tx.now(); err != nil {
		return nil, err
	}
	known, err := findIdentities(tx.DB, slices.Concat(asked...))
	if err != nil {
		return nil, err
	}
	var owners []string
	for _, i := range known {
		n.owner[userKey{i.Kind, i.Value}] = i.UserID
		owners = append(owners, i.UserID)
	}
	if n.locked, err = tx.lockUserRows(slices.Concat(owners, others)); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(owners, func(id string) bool { return n.locked[id] != nil && n.locked[id].Gone() }) {
		return nil, errChanged // merged or erased since the identities were read
	}
	if len(owners) == 0 {
		return n, nil
	}
	var rows []struct {
		UserID string
		Kind   models.IdentityKind
		N      int
	}
	err = tx.Model(&models.Identity{}).Select("user_id, kind, COUNT(*) AS n").Where("user_id IN ?", owners).Group("user_id, kind").Find(&rows).Error
	for _, r := range rows {
		n.count(r.UserID, r.Kind, r.N)
	}
	return n, err
}

func (n *newcomers) count(userID string, kind models.IdentityKind, more int) {
	if n.kept[userID] == nil {
		n.kept[userID] = map[models.IdentityKind]int{}
	}
	n.kept[userID][kind] += more
}

// name says whom the identities name, strongest first, and lets the new ones name that user too.
func (n *newcomers) name(identities []models.Identity) string {
	id := ""
	for _, i := range identities {
		if id = n.owner[userKey{i.Kind, i.Value}]; id != "" {
			break
		}
	}
	if id == "" {
		user := models.User{ID: models.NewID(models.PrefixUser), CreatedAt: n.now}
		if id = user.ID; n.active {
			user.LastActiveAt = n.now
		}
		n.users = append(n.users, user)
	}
	for _, i := range identities {
		key := userKey{i.Kind, i.Value}
		if n.owner[key] != "" || n.kept[id][i.Kind] >= maxIdentities {
			continue
		}
		n.owner[key] = id
		n.count(id, i.Kind, 1)
		n.identities = append(n.identities, models.Identity{Kind: i.Kind, Value: i.Value, UserID: id, CreatedAt: n.now})
	}
	return id
}

// write inserts in the order of the keys, so that two processes that meet the same people don't wait for each other in a
// circle. An identity that came between fails the transaction, which begins again and finds it.
func (n *newcomers) write() error {
	slices.SortFunc(n.identities, func(a, b models.Identity) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	if len(n.users) > 0 {
		if err := n.tx.CreateInBatches(n.users, 500).Error; err != nil {
			return err
		}
	}
	if len(n.identities) > 0 {
		return n.tx.CreateInBatches(n.identities, 500).Error
	}
	return nil
}

// findIdentities returns the rows that exist, in the order asked; nil for none.
func findIdentities(db *gorm.DB, asked []models.Identity) ([]models.Identity, error) {
	values := map[models.IdentityKind][]string{}
	for _, i := range asked {
		values[i.Kind] = append(values[i.Kind], i.Value)
	}
	if len(values) == 0 {
		return nil, nil
	}
	q := db.Session(&gorm.Session{NewDB: true})
	for kind, of := range values {
		q = q.Or("kind = ? AND value IN ?", kind, of)
	}
	var rows []models.Identity
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	byKey := make(map[userKey]models.Identity, len(rows))
	for _, r := range rows {
		byKey[userKey{r.Kind, r.Value}] = r
	}
	var found []models.Identity
	for _, i := range asked {
		if row, ok := byKey[userKey{i.Kind, i.Value}]; ok {
			found = append(found, row)
		}
	}
	return found, nil
}

// notFound turns gorm's answer for "no row" into CodeNotFound.
func notFound(err error, what string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return models.NewError(models.CodeNotFound, "there is no such "+what)
	}
	return asError(err)
}
