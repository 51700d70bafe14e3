package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// candidates are those from whom an expression chooses, in their order, after one: the users with a tag that all members
// have, or all users.
func (q segmentQuery) candidates(after string) (from, id string, args []any) {
	if q.driver == "" {
		return "users u" + q.store.byPrimaryKey() + " WHERE u.id > ?", "u.id", []any{after}
	}
	return "user_tags d" + q.store.thenJoin() + "users u ON u.id = d.user_id WHERE d.tag = ? AND d.user_id > ?", "d.user_id", []any{q.driver, after}
}

// ids selects the ids of members after one, in their order, up to another; "" is without end. The order of joins is said, not
// guessed: the server would take the one whose statistics look best today, and sort millions of rows for each page.
func (q segmentQuery) ids(db *gorm.DB, after, upTo string, limit int) *gorm.DB {
	from, id, args := q.candidates(after)
	text := "SELECT " + id + " AS id FROM " + from
	if upTo != "" {
		text, args = text+" AND "+id+" <= ?", append(args, upTo)
	}
	return db.Raw(text+" AND "+live+" AND "+q.where.sql+" ORDER BY "+id+" LIMIT ?", append(append(args, q.where.args...), limit)...)
}

// reach is the n-th candidate after one; "" when there are fewer.
func (q segmentQuery) reach(db *gorm.DB, after string, n int) (string, error) {
	from, id, args := q.candidates(after)
	var last []string
	err := db.Raw("SELECT "+id+" FROM "+from+" ORDER BY "+id+" LIMIT 1 OFFSET ?", append(args, n-1)...).Scan(&last).Error
	if err != nil || len(last) == 0 {
		return "", err
	}
	return last[0], nil
}

// segmentWalk is how many candidates one page looks at, at least: an expression that hardly anybody fulfils would go through
// all users for it.
const segmentWalk = 20_000

// segmentPage walks through those for whom the audience's expression holds, by user id. A page may have fewer members than
// asked for, or none, before the last one.
func (s *Store) segmentPage(ctx context.Context, a models.Audience, page AudienceQuery) (members []models.AudienceMember, next string, err error) {
	if page.After != "" && !models.IsID(page.After, models.PrefixUser) {
		return nil, "", models.NewError(models.CodeInvalidCursor, "the mark was not made by this audience")
	}
	q, err := s.segmentQuery(ctx, a)
	if err != nil {
		return nil, "", err
	}
	db := s.db.WithContext(ctx)
	upTo, err := q.reach(db, page.After, max(segmentWalk, 4*page.Limit))
	if err != nil {
		return nil, "", asError(err)
	}
	var ids []string
	if err := q.ids(db, page.After, upTo, page.Limit).Scan(&ids).Error; err != nil {
		return nil, "", asError(err)
	}
	members = make([]models.AudienceMember, len(ids))
	for i, id := range ids {
		members[i].UserID = id
	}
	if len(ids) == page.Limit {
		return members, ids[page.Limit-1], nil
	}
	return members, upTo, nil
}

// AudienceCount is how many users an audience has.
type AudienceCount struct {
	Users  int64
	Exact  bool     // false: there was no time to count on; there are at least so many
	Sample []string // ids of some of them, in no order that means anything
}

// Samples bounds how many users a count names.
const Samples = 20

// CountSegment counts those for whom an expression holds, for as long as it may take.
func (s *Store) CountSegment(ctx context.Context, a models.Audience, within time.Duration) (c AudienceCount, err error) {
	q, err := s.segmentQuery(ctx, a)
	if err != nil {
		return c, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for after := ""; ; {
		upTo, err := q.count(s.db.WithContext(ctx), after, &c)
		if err != nil && ctx.Err() != nil {
			return c, nil // the time is over: what was counted is the answer
		}
		if err != nil {
			return c, asError(err)
		}
		if after = upTo; upTo == "" {
			c.Exact = true
			return c, nil
		}
	}
}

// count adds those of the next candidates for whom the expression holds, and returns the last of these; "" when there are no more.
func (q segmentQuery) count(db *gorm.DB, after string, c *AudienceCount) (upTo string, err error) {
	if upTo, err = q.reach(db, after, segmentWalk); err != nil {
		return "", err
	}
	var n int64
	if err := db.Raw("SELECT COUNT(*) FROM (?) AS page", q.ids(db, after, upTo, segmentWalk)).Row().Scan(&n); err != nil {
		return "", err
	}
	if want := Samples - len(c.Sample); n > 0 && want > 0 {
		var some []string
		if err := q.ids(db, after, upTo, want).Scan(&some).Error; err != nil {
			return "", err
		}
		c.Sample = append(c.Sample, some...)
	}
	c.Users += n
	return upTo, nil
}
