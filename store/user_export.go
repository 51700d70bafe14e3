package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// exportAtMost bounds what is told of one kind; beyond it an export says that there is more.
const exportAtMost = 10_000

// UserExport is all that is kept of a person.
type UserExport struct {
	UserProfile
	Coupons     []models.Coupon
	Redemptions []models.Redemption
	Messages    []models.Message
	Audiences   []models.Audience // lists that the user was put into
	Truncated   bool              // there is more than an export tells
}

// ExportUser returns all that is kept of a user. Refusals: CodeNotFound, CodeUserErased.
func (s *Store) ExportUser(ctx context.Context, id string) (x UserExport, err error) {
	if x.UserProfile, err = s.UserProfile(ctx, id); err != nil {
		return x, err
	}
	db := s.db.WithContext(ctx).Order("id").Limit(exportAtMost).Session(&gorm.Session{})
	for _, rows := range []any{&x.Coupons, &x.Redemptions, &x.Messages} {
		if err := db.Find(rows, "user_id = ?", x.ID).Error; err != nil {
			return x, asError(err)
		}
	}
	err = db.Find(&x.Audiences, "id IN (SELECT audience_id FROM audience_members WHERE user_id = ?)", x.ID).Error
	x.Truncated = max(len(x.Coupons), len(x.Redemptions), len(x.Messages), len(x.Audiences)) == exportAtMost
	return x, asError(err)
}
