package store

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

// segmentPage walks through those for whom the audience's expression holds, by user id.
func (s *Store) segmentPage(context.Context, models.Audience, AudienceQuery) (members []models.AudienceMember, next string, err error) {
	return nil, "", models.NewError(models.CodeInvalidExpression, "expressions come next")
}
