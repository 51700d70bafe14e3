package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// condition is a part of a WHERE clause over users AS u.
type condition struct {
	sql  string
	args []any
}

// live is the condition for users who can be members of an audience.
const live = "u.blocked = FALSE AND u.merged_into IS NULL AND u.erased_at IS NULL"

// segmentQuery is an expression as SQL.
type segmentQuery struct {
	store  *Store
	driver string // a tag that all members have; "": none
	where  condition
}

// segmentQuery turns the audience's expression, with the segments that it uses, into SQL.
func (s *Store) segmentQuery(ctx context.Context, a models.Audience) (segmentQuery, error) {
	parsed, err := models.ParseSegment(a.Expression)
	if err != nil {
		return segmentQuery{}, err
	}
	now, err := s.Now(ctx)
	if err != nil {
		return segmentQuery{}, err
	}
	w := segmentWriter{db: s.db.WithContext(ctx), merchantID: a.MerchantID, now: now, known: map[string]*models.Segment{}}
	q := segmentQuery{store: s}
	if len(parsed.Any) == 1 {
		q.driver = driverOf(parsed.Any[0].All)
	}
	if q.where, err = w.any(parsed, 0); err != nil {
		return segmentQuery{}, asError(err)
	}
	return q, nil
}

// driverOf is a tag that is asked for and must be there: far fewer users have it than there are.
func driverOf(terms []models.SegmentTerm) string {
	for _, t := range terms {
		if t.Field == models.SegmentTag && !t.Not {
			return t.Text
		}
	}
	return ""
}

// segmentWriter writes a segment as a condition. Terms are counted over all segments that are used, so that a few short
// expressions can't stand for an endless one.
type segmentWriter struct {
	db         *gorm.DB
	merchantID string
	now        models.Time
	known      map[string]*models.Segment
	terms      int
}

// segmentsDeep bounds segments that use segments. None can use itself: it must be there before the other is made.
const segmentsDeep = 10

func (w *segmentWriter) any(s *models.Segment, deep int) (condition, error) {
	return joined(" OR ", len(s.Any), func(i int) (condition, error) {
		all := s.Any[i].All
		return joined(" AND ", len(all), func(j int) (condition, error) { return w.term(all[j], deep) })
	})
}

func joined(word string, n int, part func(i int) (condition, error)) (all condition, err error) {
	texts := make([]string, n)
	for i := range n {
		c, err := part(i)
		if err != nil {
			return condition{}, err
		}
		texts[i], all.args = c.sql, append(all.args, c.args...)
	}
	all.sql = "(" + strings.Join(texts, word) + ")"
	return all, nil
}

func (w *segmentWriter) term(t models.SegmentTerm, deep int) (c condition, err error) {
	switch {
	case t.Group != nil:
		c, err = w.any(t.Group, deep)
	case t.Named != nil:
		c, err = w.named(*t.Named, deep+1)
	default:
		w.terms++
		if w.terms > models.MaxSegmentTerms {
			return c, models.NewError(models.CodeInvalidExpression, "has too many terms, with those of its segments")
		}
		c = w.field(t)
	}
	if t.Not {
		c.sql = "NOT " + c.sql
	}
	return c, err
}

func (w *segmentWriter) named(name string, deep int) (condition, error) {
	if deep > segmentsDeep {
		return condition{}, models.NewError(models.CodeInvalidExpression, "uses segments that use segments, too deeply").With("segment", name)
	}
	s := w.known[name]
	if s == nil {
		var found []models.Audience
		err := w.db.Limit(1).Find(&found, "merchant_id = ? AND name = ? AND kind = ?", w.merchantID, name, models.AudienceExpression).Error
		if err != nil {
			return condition{}, err
		}
		if len(found) == 0 {
			return condition{}, noSegment(name)
		}
		if s, err = models.ParseSegment(found[0].Expression); err != nil {
			return condition{}, err
		}
		w.known[name] = s
	}
	return w.any(s, deep)
}

func noSegment(name string) error {
	return models.NewError(models.CodeInvalidExpression, "there is no such segment").With("segment", name)
}

// field is the condition of one term. A comparison with what is not known of a user is false, also below NOT, so nothing is
// ever NULL.
func (w *segmentWriter) field(t models.SegmentTerm) condition {
	since := t.Since
	if t.Within > 0 {
		since = w.now.Add(-t.Within)
	}
	switch t.Field {
	case models.SegmentTag:
		return condition{"EXISTS (SELECT 1 FROM user_tags t WHERE t.user_id = u.id AND t.tag = ?)", []any{t.Text}}
	case models.SegmentLocale:
		return condition{"(u.locale = ? OR u.locale LIKE ?)", []any{t.Text, t.Text + "-%"}} // a tag holds neither % nor _
	case models.SegmentTimeZone:
		return condition{"(u.time_zone = ?)", []any{t.Text}}
	case models.SegmentActiveWithin, models.SegmentActiveSince:
		return condition{"(u.last_active_at IS NOT NULL AND u.last_active_at >= ?)", []any{since}}
	case models.SegmentSeenWithin, models.SegmentSeenSince:
		return condition{"(u.created_at >= ?)", []any{since}}
	default: // SegmentOptedOut: ParseSegment knows no other
		return condition{"(u.opt_out & ? = ?)", []any{int(t.Channel), int(t.Channel)}}
	}
}
