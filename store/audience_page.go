package store

import (
	"context"
	"strconv"

	"github.com/tearoff/tearoff/models"
)

// AudienceQuery asks for one page of an audience.
type AudienceQuery struct {
	AudienceID string // of a stored audience; or MerchantID and Expression
	MerchantID string // whose segments the expression may use
	Expression string
	After      string // next of the page before; "": from the beginning
	Limit      int
}

// AudiencePage returns the next members of an audience in an order that doesn't change, and the mark to go on after; "" on
// the last page. A list is walked in the order in which its members came, an expression by user id: whoever comes to match
// before the mark is not seen any more. Refusals: CodeNotFound, CodeInvalidExpression.
func (s *Store) AudiencePage(ctx context.Context, q AudienceQuery) (members []models.AudienceMember, next string, err error) {
	a := models.Audience{MerchantID: q.MerchantID, Kind: models.AudienceExpression, Expression: q.Expression}
	if q.AudienceID != "" {
		if a, err = s.Audience(ctx, q.AudienceID); err != nil {
			return nil, "", err
		}
	}
	if a.Kind == models.AudienceList {
		return s.listPage(ctx, a.ID, q)
	}
	return s.segmentPage(ctx, a, q)
}

// Audience returns an audience, or CodeNotFound.
func (s *Store) Audience(ctx context.Context, id string) (models.Audience, error) {
	var a models.Audience
	err := s.db.WithContext(ctx).Take(&a, "id = ?", id).Error
	return a, notFound(err, "audience")
}

func (s *Store) listPage(ctx context.Context, audienceID string, q AudienceQuery) (members []models.AudienceMember, next string, err error) {
	after := int64(0)
	if q.After != "" {
		if after, err = strconv.ParseInt(q.After, 10, 64); err != nil {
			return nil, "", models.NewError(models.CodeInvalidCursor, "the mark was not made by this audience")
		}
	}
	rows, err := s.db.WithContext(ctx).Raw("SELECT m.pos, m.user_id, COALESCE(u.blocked, FALSE), u.erased_at IS NOT NULL FROM audience_members m "+
		"LEFT JOIN users u ON u.id = m.user_id WHERE m.audience_id = ? AND m.pos > ? ORDER BY m.pos LIMIT ?", audienceID, after, q.Limit).Rows()
	if err != nil {
		return nil, "", asError(err)
	}
	defer rows.Close()
	members = make([]models.AudienceMember, 0, q.Limit)
	for rows.Next() {
		var userID *string
		var blocked, erased bool
		if err := rows.Scan(&after, &userID, &blocked, &erased); err != nil {
			return nil, "", asError(err)
		}
		members = append(members, memberOf(userID, blocked, erased))
	}
	if len(members) == q.Limit {
		next = strconv.FormatInt(after, 10)
	}
	return members, next, asError(rows.Err())
}

func memberOf(userID *string, blocked, erased bool) models.AudienceMember {
	switch {
	case userID == nil:
		return models.AudienceMember{Reason: models.CodeUnknownUser}
	case erased:
		return models.AudienceMember{UserID: *userID, Reason: models.CodeUserErased}
	case blocked:
		return models.AudienceMember{UserID: *userID, Reason: models.CodeUserBlocked}
	}
	return models.AudienceMember{UserID: *userID}
}
