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
	by    []string
	codes []string
}

// AddGuesses counts wrong codes, together with those that others type at the same time, and says how many of them are new
// against each name: a code that counts already doesn't count again. Only wrong codes are written: a right one costs nothing.
func (s *Store) AddGuesses(ctx context.Context, by models.GuessedBy, codes []string) (map[string]int64, error) {
	return shared(ctx, s.combined.guesses, struct{}{}, guesses{by.Names(), codes})
}

func (s *Store) addGuesses(ctx context.Context, all []guesses) ([]map[string]int64, error) {
	added := make([]map[string]int64, len(all))
	err := s.tx(ctx, func(tx *txn) error {
		now, err := tx.now()
		if err != nil {
			return err
		}
		counted, err := tx.guessMarks(now, all)
		if err != nil {
			return err
		}
		sums := map[string]int64{}
		for i, g := range all {
			added[i] = map[string]int64{}
			for mark, name := range g.marks() {
				if counted[mark] {
					continue
				}
				counted[mark], sums[mark] = true, 0
				sums[name]++
				added[i][name]++
			}
		}
		return tx.addFailures(models.GuardSince(now), sums)
	})
	return added, err
}

// marks are those of each code, with the name that it counts against.
func (g guesses) marks() map[string]string {
	marks := make(map[string]string, len(g.by)*len(g.codes))
	for _, name := range g.by {
		for _, code := range g.codes {
			marks[models.GuessMark(name, code)] = name
		}
	}
	return marks
}

// guessRows bounds how many names one statement has.
const guessRows = 1000

// guessMarks are the marks that are set. Two processes may both miss a code that is typed in both at once: counting it twice
// only makes the guard a little stricter.
func (tx *txn) guessMarks(now models.Time, all []guesses) (map[string]bool, error) {
	var marks []string
	for _, g := range all {
		marks = slices.AppendSeq(marks, maps.Keys(g.marks()))
	}
	set, since := map[string]bool{}, models.GuardSince(now)
	for part := range slices.Chunk(marks, guessRows) {
		var found []string
		err := tx.Model(&models.CodeFailure{}).Where("since IN ?", []models.Time{since, since.Add(-models.GuardWindow)}).
			Where("subject IN ?", part).Pluck("subject", &found).Error
		if err != nil {
			return nil, err
		}
		for _, mark := range found {
			set[mark] = true
		}
	}
	return set, nil
}

// addFailures adds up each name once, in the order of the names, so that two processes can't wait for each other.
func (tx *txn) addFailures(since models.Time, sums map[string]int64) error {
	for part := range slices.Chunk(slices.Sorted(maps.Keys(sums)), guessRows) {
		var args []any
		for _, name := range part {
			args = append(args, since, name, sums[name])
		}
		err := tx.Exec("INSERT INTO code_failures (since, subject, failures) VALUES (?, ?, ?)"+strings.Repeat(", (?, ?, ?)", len(part)-1)+
			" "+tx.store.addFailuresSQL(), args...).Error
		if err != nil {
			return err
		}
	}
	return nil
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
