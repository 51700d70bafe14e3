package api

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/tearoff/tearoff/models"
)

// maxIdentity is how long an identity may be once it is normalised, which can make it longer than it was sent.
const maxIdentity = 254

// ensureUser makes the user at first sight. A storefront's key gives a user that is known no further identities: it is in
// everybody's browser, and messages go where the identities say.
func (s *Server) ensureUser(ctx context.Context, ref models.UserRef) (string, error) {
	if err := checkUser(ref, "body.user"); err != nil {
		return "", err
	}
	if keyOf(ctx).Role == models.RoleStorefront {
		if id, err := s.findUser(ctx, ref, "body.user"); id != "" || err != nil {
			return id, err
		}
	}
	return s.store.EnsureUser(ctx, ref)
}

// findUser returns "" for a user that Tearoff has not seen: one without coupons. An id of Tearoff's own that doesn't exist
// is CodeNotFound.
func (s *Server) findUser(ctx context.Context, ref models.UserRef, path string) (string, error) {
	if err := checkUser(ref, path); err != nil {
		return "", err
	}
	id, err := s.store.FindUser(ctx, ref)
	if models.CodeOf(err) == models.CodeNotFound && !models.HasPrefix(ref.ID, models.PrefixUser) {
		return "", nil
	}
	return id, err
}

func checkUser(ref models.UserRef, path string) error {
	if models.HasPrefix(ref.ID, models.PrefixUser) {
		return idOf(ref.ID, models.PrefixUser, "user")
	}
	identities, err := ref.Identities()
	if err != nil {
		return invalid(Fault{Path: path, Message: "must have at least one of id, email, phone, openid, device, card"})
	}
	for _, i := range identities {
		if utf8.RuneCountInString(i.Value) > maxIdentity {
			return invalid(Fault{Path: path + "." + string(i.Kind), Message: fmt.Sprintf("must be at most %d characters", maxIdentity)})
		}
	}
	return nil
}

// mergedInto is the user who has taken over, when a refusal says that one has; "" otherwise.
func mergedInto(refusal *models.Error) string {
	if refusal == nil || refusal.Code != models.CodeUserMerged {
		return ""
	}
	id, _ := refusal.Params["user_id"].(string)
	return id
}
