package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// guesses are the wrong codes of one request.
type guesses struct {
	by    models.GuessedBy
	codes int64
}

// AddGuesses counts wrong codes, together with those that others type at the same time. Only these are written: a right
// code costs nothing.
func (s *Store) AddGuesses(ctx context.Context, by models.GuessedBy, codes int64) error {
	_, err := shared(ctx, s.combined.guesses, struct{}{}, guesses{by, codes})
	return err
}

// addGuesses adds up each name once, in the order of the names, so that two processes can't wait for each other. A COMMIT that
// is unknown may count a code twice: that only makes the guard a little stricter.
func (s *Store) addGuesses(ctx context.Context, all []guesses) ([]struct{}, error) {
	sums := map[string]int64{}
	for _, g := range all {
		for _, name := range g.by.Names() {
			sums[name] += g.codes
		}
	}
	names := slices.Sorted(maps.Keys(sums))
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil || len(names) == 0 {
			return err
		}
		var args []any
		for _, name := range names {
			args = append(args, models.GuardSince(now), name, sums[name])
		}
		return tx.Exec("INSERT INTO code_failures (since, subject, failures) VALUES (?, ?, ?)"+strings.Repeat(", (?, ?, ?)", len(names)-1)+
			" "+s.addFailuresSQL(), args...).Error
	})
	return make([]struct{}, len(all)), err
}

// Guesses says how many wrong codes of the last ten minutes count against each of the names; none is 0.
func (s *Store) Guesses(ctx context.Context, names []string) (map[string]float64, error) {
	return s.guesses(ctx, "subject IN ?", names)
}

// guessersMost bounds how many names are read at once.
const guessersMost = 10_000

// Guessers are those who typed wrong codes, with what counts against each: the ones with the most, if they are very many.
func (s *Store) Guessers(ctx context.Context) (map[string]float64, error) {
	return s.guesses(ctx, "failures >= ?", 1)
}

func (s *Store) guesses(ctx context.Context, where string, arg any) (map[string]float64, error) {
	now, err := s.Now(ctx)
	if err != nil {
		return nil, err
	}
	since := models.GuardSince(now)
	var rows []models.CodeFailure
	err = s.db.WithContext(ctx).Where("since IN ?", []models.Time{since, since.Add(-models.GuardWindow)}).Where(where, arg).
		Order("since DESC, failures DESC").Limit(guessersMost).Find(&rows).Error
	counts := make(map[string]float64, len(rows))
	for _, r := range rows {
		counts[r.Subject] += r.Weight(now)
	}
	return counts, asError(err)
}

// DropGuesses forgets up to limit counts that no longer matter, and returns how many.
func (s *Store) DropGuesses(ctx context.Context, limit int) (int, error) {
	var dropped int
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		var old []models.CodeFailure
		if err := tx.Where("since < ?", now.Add(-3*models.GuardWindow)).Order("since, subject").Limit(limit).Find(&old).Error; err != nil {
			return err
		}
		dropped = len(old)
		if dropped == 0 {
			return nil
		}
		return tx.Delete(&old).Error
	})
	return dropped, err
}

// UserSince is when Tearoff came to know the user.
func (s *Store) UserSince(ctx context.Context, userID string) (models.Time, error) {
	var user models.User
	err := s.db.WithContext(ctx).Select("id", "created_at").Take(&user, "id = ?", userID).Error
	return user.CreatedAt, notFound(err, "user")
}
