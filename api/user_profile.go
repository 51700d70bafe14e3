package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// userRoutes are about who users are. Users belong to the platform: keys of merchants neither read nor change them.
func (s *Server) userRoutes() []route {
	const ok = http.StatusOK
	return []route{
		on(s, spec{Route: "PUT /v1/users", Name: "upsert-users", Roles: orders, Status: ok,
			Summary: "Make users or change what is known of them, each on its own"}, s.upsertUsers),
		on(s, spec{Route: "GET /v1/admin/users", Name: "find-users", Roles: adminRead, Summary: "Users, all or the one of an identity"}, s.listUsers),
		on(s, spec{Route: "GET /v1/admin/users/{id}", Name: "get-user", Roles: adminRead, Summary: "A user's profile"}, s.getUser),
		on(s, spec{Route: "PATCH /v1/admin/users/{id}", Name: "change-user", Roles: admins, Status: ok,
			Summary: "Change a user's profile"}, s.patchUser),
		on(s, spec{Route: "PUT /v1/admin/users/{id}/tags", Name: "tag-user", Roles: admins, Status: ok,
			Summary: "Give a user tags, or take some away"}, s.tagUser),
		on(s, spec{Route: "POST /v1/admin/users/{id}/block", Name: "block-user", Roles: admins, Status: ok,
			Summary: "Let a user get no further coupons"}, s.blockUser),
		on(s, spec{Route: "POST /v1/admin/users/{id}/unblock", Name: "unblock-user", Roles: admins, Status: ok,
			Summary: "Let a user get coupons again"}, s.unblockUser),
	}
}

// UserPath names a user.
type UserPath struct {
	ID string `path:"id" maxLength:"200" doc:"Your own id of the user, or Tearoff's (usr_…)."`
}

type userOutput struct{ Body User }

// User is what is known of a user.
type User struct {
	ID           string         `json:"id"`
	Identities   []userIdentity `json:"identities" nullable:"false" doc:"What the user is known by."`
	Blocked      bool           `json:"blocked" doc:"Gets no further coupons."`
	Locale       string         `json:"locale,omitempty" example:"de-AT"`
	TimeZone     string         `json:"time_zone,omitempty" example:"Europe/Vienna"`
	Tags         []string       `json:"tags" nullable:"false"`
	OptOut       []string       `json:"opt_out" nullable:"false" enum:"inbox,email,sms,push" doc:"Channels by which no messages are sent."`
	LastActiveAt *time.Time     `json:"last_active_at,omitempty" doc:"Of the last claim, quote or hold, to the hour."`
	CreatedAt    time.Time      `json:"created_at" doc:"When Tearoff first saw the user."`
}

// userIdentity is one of the names that a user has in a caller's terms.
type userIdentity struct {
	Kind  models.IdentityKind `json:"kind" enum:"id,email,phone,openid,device,card"`
	Value string              `json:"value"`
}

func viewUser(p store.UserProfile) User {
	u := User{
		ID: p.ID, Identities: make([]userIdentity, len(p.Identities)), Blocked: p.Blocked, Locale: p.Locale, TimeZone: p.TimeZone,
		Tags: p.Tags, OptOut: p.OptOut.Words(), LastActiveAt: instant(p.LastActiveAt), CreatedAt: p.CreatedAt.Time,
	}
	for i, known := range p.Identities {
		u.Identities[i] = userIdentity{Kind: known.Kind, Value: known.Value}
	}
	return u
}

// ProfileInput is what may be set of a user's profile; what is absent stays as it is.
type ProfileInput struct {
	Locale       *string    `json:"locale,omitempty" maxLength:"100" doc:"BCP 47; empty: not known." example:"de-AT"`
	TimeZone     *string    `json:"time_zone,omitempty" maxLength:"64" doc:"IANA name; empty: not known." example:"Europe/Vienna"`
	OptOut       *[]string  `json:"opt_out,omitempty" maxItems:"4" nullable:"false" enum:"inbox,email,sms,push" doc:"Channels by which no messages are sent; replaces those of before."`
	LastActiveAt *time.Time `json:"last_active_at,omitempty" doc:"An earlier one than is known changes nothing."`
}

// TagsInput says what becomes of a user's tags.
type TagsInput struct {
	Set    *[]string `json:"set,omitempty" maxItems:"100" nullable:"false" doc:"Replaces all tags."`
	Add    []string  `json:"add,omitempty" maxItems:"100" nullable:"false"`
	Remove []string  `json:"remove,omitempty" maxItems:"100" nullable:"false"`
}

// change reads the input, or says at which path it is wrong.
func (p ProfileInput) change(path string) (c store.ProfileChange, err error) {
	if p.Locale != nil {
		text, err := models.Locale(*p.Locale)
		if err != nil {
			return c, faultAt(path+".locale", err)
		}
		c.Locale = &text
	}
	if p.TimeZone != nil {
		if _, err := models.TimeZone(*p.TimeZone); err != nil {
			return c, faultAt(path+".time_zone", err)
		}
		c.TimeZone = p.TimeZone
	}
	if p.OptOut != nil {
		set, err := models.ParseChannelSet(*p.OptOut)
		if err != nil {
			return c, faultAt(path+".opt_out", err)
		}
		c.OptOut = &set
	}
	if p.LastActiveAt != nil {
		if year := p.LastActiveAt.Year(); year < 1970 || year > 9999 {
			return c, invalid(Fault{Path: path + ".last_active_at", Message: "must be an instant of our time"})
		}
		c.LastActiveAt = new(models.NewTime(*p.LastActiveAt))
	}
	return c, nil
}

func (in TagsInput) into(c *store.ProfileChange, path string) (err error) {
	if in.Set != nil {
		tags, err := models.Tags(*in.Set)
		if err != nil {
			return faultAt(path+".set", err)
		}
		c.SetTags = &tags
	}
	if c.AddTags, err = models.Tags(in.Add); err != nil {
		return faultAt(path+".add", err)
	}
	if c.RemoveTags, err = models.Tags(in.Remove); err != nil {
		return faultAt(path+".remove", err)
	}
	return nil
}

// faultAt is an error of the domain as what is wrong with one field of a request.
func faultAt(path string, err error) error {
	message := "can't be used"
	var domain *models.Error
	if errors.As(err, &domain) {
		message = domain.Message
	}
	return invalid(Fault{Path: path, Message: message})
}

// platformOnly turns away keys of merchants.
func platformOnly(ctx context.Context) error {
	if keyOf(ctx).MerchantID != "" {
		return models.NewError(models.CodeForbidden, "users belong to the platform: the key is a merchant's")
	}
	return nil
}

// knownUser returns the id of a user that the path names, or CodeNotFound.
func (s *Server) knownUser(ctx context.Context, id string) (string, error) {
	if err := platformOnly(ctx); err != nil {
		return "", err
	}
	userID, err := s.findUser(ctx, models.UserRef{ID: id}, "path.id")
	if err == nil && userID == "" {
		err = models.NewError(models.CodeNotFound, "there is no such user")
	}
	return userID, err
}

func (s *Server) getUser(ctx context.Context, in *UserPath) (*userOutput, error) {
	id, err := s.knownUser(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.store.UserProfile(ctx, id)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: viewUser(p)}, nil
}

type patchUserInput struct {
	UserPath
	Body struct {
		ProfileInput
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log."`
	}
}

func (s *Server) patchUser(ctx context.Context, in *patchUserInput) (*userOutput, error) {
	c, err := in.Body.change("body")
	if err != nil {
		return nil, err
	}
	return s.changeUser(ctx, in.ID, store.UserChange{ProfileChange: c, Audit: audited(ctx, "user.change", in.Body.Reason)})
}

type tagUserInput struct {
	UserPath
	Body struct {
		TagsInput
		Reason string `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log."`
	}
}

func (s *Server) tagUser(ctx context.Context, in *tagUserInput) (*userOutput, error) {
	c := store.UserChange{Audit: audited(ctx, "user.tag", in.Body.Reason)}
	if err := in.Body.into(&c.ProfileChange, "body"); err != nil {
		return nil, err
	}
	return s.changeUser(ctx, in.ID, c)
}

type blockUserInput struct {
	UserPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

func (s *Server) blockUser(ctx context.Context, in *blockUserInput) (*userOutput, error) {
	return s.changeUser(ctx, in.ID, store.UserChange{
		ProfileChange: store.ProfileChange{Blocked: new(true)}, Audit: audited(ctx, "user.block", in.Body.Reason)})
}

func (s *Server) unblockUser(ctx context.Context, in *blockUserInput) (*userOutput, error) {
	return s.changeUser(ctx, in.ID, store.UserChange{
		ProfileChange: store.ProfileChange{Blocked: new(false)}, Audit: audited(ctx, "user.unblock", in.Body.Reason)})
}

func (s *Server) changeUser(ctx context.Context, id string, c store.UserChange) (*userOutput, error) {
	var err error
	if c.UserID, err = s.knownUser(ctx, id); err != nil {
		return nil, err
	}
	if err := s.store.ChangeUser(ctx, c); err != nil {
		return nil, err
	}
	return s.getUser(ctx, &UserPath{ID: c.UserID})
}

type listUsersInput struct {
	PageInput
	UserID string `query:"user_id" maxLength:"200" doc:"Your own id of the user, or Tearoff's."`
	Email  string `query:"email" maxLength:"254"`
	Phone  string `query:"phone" maxLength:"32"`
	OpenID string `query:"openid" maxLength:"200"`
	Device string `query:"device" maxLength:"200"`
	Card   string `query:"card" maxLength:"200"`
}

type usersOutput struct{ Body page[User] }

const userList = "users"

// listUsers lists all users, or the one that an identity names.
func (s *Server) listUsers(ctx context.Context, in *listUsersInput) (*usersOutput, error) {
	if err := platformOnly(ctx); err != nil {
		return nil, err
	}
	l := list[store.UserProfile, User]{name: userList, view: viewUser, mark: func(p store.UserProfile) []string { return []string{p.ID} }}
	ref := models.UserRef{ID: in.UserID, Email: in.Email, Phone: in.Phone, OpenID: in.OpenID, Device: in.Device, Card: in.Card}
	if ref != (models.UserRef{}) {
		found, err := s.profilesOf(ctx, ref)
		return &usersOutput{Body: l.page(found, in.Limit)}, err
	}
	start, err := after(in.Cursor, userList, models.PrefixUser)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.UserProfiles(ctx, start, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &usersOutput{Body: l.page(rows, in.Limit)}, nil
}

// profilesOf returns the one user whom the reference names, or none.
func (s *Server) profilesOf(ctx context.Context, ref models.UserRef) ([]store.UserProfile, error) {
	id, err := s.findUser(ctx, ref, "query")
	if err == nil && id != "" {
		var p store.UserProfile
		if p, err = s.store.UserProfile(ctx, id); err == nil {
			return []store.UserProfile{p}, nil
		}
	}
	if models.ClassOf(err) == models.ClassNotFound {
		err = nil
	}
	return nil, err
}
