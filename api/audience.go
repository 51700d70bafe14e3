package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

func (s *Server) audienceRoutes() []route {
	return []route{
		on(s, spec{Route: "POST /v1/admin/audiences", Name: "create-audience", Roles: admins, Status: http.StatusCreated,
			Summary: "A new audience: an expression, or a list of users"}, s.createAudience),
		on(s, spec{Route: "POST /v1/admin/audiences/preview", Name: "preview-audience", Roles: admins, Status: http.StatusOK,
			Summary: "How many users an expression holds for now"}, s.previewAudience),
		on(s, spec{Route: "GET /v1/admin/audiences", Name: "list-audiences", Roles: adminRead, Summary: "Audiences"}, s.listAudiences),
		on(s, spec{Route: "GET /v1/admin/audiences/{id}", Name: "get-audience", Roles: adminRead, Summary: "An audience"}, s.getAudience),
		on(s, spec{Route: "GET /v1/admin/audiences/{id}/members", Name: "list-audience-members", Roles: adminRead,
			Summary: "Whom an audience has, in the order in which they would be given something"}, s.listMembers),
		on(s, spec{Route: "DELETE /v1/admin/audiences/{id}", Name: "delete-audience", Roles: admins,
			Summary: "Remove an audience that nothing uses"}, s.deleteAudience),
	}
}

type createAudienceInput struct {
	Body struct {
		MerchantID string           `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Default: the key's merchant."`
		Name       string           `json:"name" minLength:"1" maxLength:"200" pattern:"^\\S(.*\\S)?$" doc:"Unique for the merchant; other expressions use one as segment(\"name\")."`
		Expression *string          `json:"expression,omitempty" nullable:"true" minLength:"1" maxLength:"2000" doc:"Whoever it holds for is a member. This, users, or neither for a list that an import fills." example:"tag:vip and not tag:staff and active_within:30d"`
		Users      []models.UserRef `json:"users,omitempty" maxItems:"1000" nullable:"false" doc:"The members of a list. Unknown ones are made."`
		Reason     string           `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log."`
	}
}

type audienceOutput struct{ Body Audience }

type audiencesOutput struct{ Body page[Audience] }

// Audience is users that something is meant for.
type Audience struct {
	ID         string              `json:"id"`
	MerchantID string              `json:"merchant_id,omitempty"`
	Name       string              `json:"name"`
	Kind       models.AudienceKind `json:"kind" enum:"expression,list"`
	Expression string              `json:"expression,omitempty"`
	Size       *int64              `json:"size,omitempty" doc:"Members of a list. Those of an expression are counted by a preview."`
	CreatedAt  time.Time           `json:"created_at"`
	UpdatedAt  time.Time           `json:"updated_at"`
}

func viewAudience(a models.Audience) Audience {
	v := Audience{
		ID: a.ID, MerchantID: a.MerchantID, Name: a.Name, Kind: a.Kind, Expression: a.Expression,
		CreatedAt: a.CreatedAt.Time, UpdatedAt: a.UpdatedAt.Time,
	}
	if a.Kind == models.AudienceList {
		v.Size = &a.Size
	}
	return v
}

func (s *Server) createAudience(ctx context.Context, in *createAudienceInput) (*audienceOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	a := models.Audience{MerchantID: merchantID, Name: in.Body.Name, Kind: models.AudienceList}
	var users []string
	switch {
	case in.Body.Expression != nil && in.Body.Users != nil:
		return nil, invalid(Fault{Path: "body", Message: "must have either expression or users"})
	case in.Body.Expression != nil:
		a.Kind, a.Expression = models.AudienceExpression, *in.Body.Expression
	default:
		if users, err = s.membersOf(ctx, in.Body.Users); err != nil {
			return nil, err
		}
	}
	if a, err = s.store.CreateAudience(ctx, a, users, audited(ctx, "audience.create", in.Body.Reason)); err != nil {
		return nil, err
	}
	return &audienceOutput{Body: viewAudience(a)}, nil
}

// membersOf returns the ids of the users, and makes those who are unknown. Nobody is made when one of them can't be.
func (s *Server) membersOf(ctx context.Context, refs []models.UserRef) ([]string, error) {
	for i, ref := range refs {
		path := fmt.Sprintf("body.users[%d]", i)
		if err := checkUser(ref, path); err != nil {
			return nil, err
		}
	}
	var ids []string
	for first := 0; first < len(refs); first += upsertAtOnce {
		part := make([]store.UserUpsert, min(upsertAtOnce, len(refs)-first))
		for i := range part {
			part[i].Ref = refs[first+i]
		}
		done, err := s.store.UpsertUsers(ctx, part)
		if err != nil {
			return nil, err
		}
		for i, d := range done {
			if d.Err != nil {
				return nil, invalid(Fault{Path: fmt.Sprintf("body.users[%d]", first+i), Message: d.Err.Message})
			}
			ids = append(ids, d.UserID)
		}
	}
	return ids, nil
}

// upsertAtOnce bounds one transaction of users.
const upsertAtOnce = 500

// audience returns one that the key can see.
func (s *Server) audience(ctx context.Context, id string) (models.Audience, error) {
	if err := idOf(id, models.PrefixAudience, "audience"); err != nil {
		return models.Audience{}, err
	}
	a, err := s.store.Audience(ctx, id)
	if err == nil {
		err = visible(ctx, a.MerchantID, "audience")
	}
	return a, err
}

// AudiencePath names an audience.
type AudiencePath struct {
	ID string `path:"id" maxLength:"100"`
}

func (s *Server) getAudience(ctx context.Context, in *AudiencePath) (*audienceOutput, error) {
	a, err := s.audience(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &audienceOutput{Body: viewAudience(a)}, nil
}

const audienceList = "audiences"

func (s *Server) listAudiences(ctx context.Context, in *PageInput) (*audiencesOutput, error) {
	start, err := after(in.Cursor, audienceList, models.PrefixAudience)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Audiences(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.Audience, Audience]{name: audienceList, view: viewAudience, mark: func(a models.Audience) []string { return []string{a.ID} }}
	return &audiencesOutput{Body: l.page(rows, in.Limit)}, nil
}

func (s *Server) deleteAudience(ctx context.Context, in *AudiencePath) (*struct{}, error) {
	if _, err := s.audience(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.store.DeleteAudience(ctx, in.ID, audited(ctx, "audience.delete", ""))
}

type previewAudienceInput struct {
	Body struct {
		MerchantID string `json:"merchant_id,omitempty" maxLength:"100" doc:"Whose segments may be used. Default: the key's merchant."`
		Expression string `json:"expression" minLength:"1" maxLength:"2000" example:"tag:vip and not tag:staff"`
	}
}

type previewAudienceOutput struct{ Body audiencePreview }

// audiencePreview is how many users an expression holds for at the moment.
type audiencePreview struct {
	Users  int64    `json:"users"`
	Exact  bool     `json:"exact" doc:"false: there are at least so many. Counting took too long, or a merchant's key asked and there are fewer than 10."`
	Sample []string `json:"sample" nullable:"false" doc:"Tearoff's ids of up to 20 of them; none for a merchant's key."`
}

// fewest is how many users an expression must hold for before a merchant's key is told how many those are.
const fewest = 10

// previewWithin is how long a preview counts.
const previewWithin = 5 * time.Second

func (s *Server) previewAudience(ctx context.Context, in *previewAudienceInput) (*previewAudienceOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	c, err := s.store.CountSegment(ctx, models.Audience{MerchantID: merchantID, Expression: in.Body.Expression}, previewWithin)
	if err != nil {
		return nil, err
	}
	if keyOf(ctx).MerchantID != "" { // users are the platform's: whom a tag is on is nothing that a merchant may ask
		if c.Sample = nil; c.Users < fewest {
			c.Users, c.Exact = 0, false
		}
	}
	return &previewAudienceOutput{Body: audiencePreview{Users: c.Users, Exact: c.Exact, Sample: slices.Clip(append([]string{}, c.Sample...))}}, nil
}

type listMembersInput struct {
	PageInput
	AudiencePath
}

type membersOutput struct{ Body page[audienceMember] }

// audienceMember is one of an audience's users.
type audienceMember struct {
	UserID string      `json:"user_id,omitempty" doc:"Absent: a file named somebody unknown."`
	Reason models.Code `json:"reason,omitempty" doc:"Why nothing is given to this one: unknown_user, user_blocked or user_erased."`
}

const memberList = "members"

func (s *Server) listMembers(ctx context.Context, in *listMembersInput) (*membersOutput, error) {
	parts, err := decodeCursor(in.Cursor, memberList, 1)
	if err != nil {
		return nil, err
	}
	a, err := s.audience(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if a.Kind == models.AudienceExpression && keyOf(ctx).MerchantID != "" {
		return nil, models.NewError(models.CodeForbidden, "whom an expression holds for is the platform's to know; a preview counts them")
	}
	q := store.AudienceQuery{AudienceID: a.ID, Limit: in.Limit}
	if parts != nil {
		q.After = parts[0]
	}
	members, next, err := s.store.AudiencePage(ctx, q)
	if err != nil {
		return nil, err
	}
	p := list[models.AudienceMember, audienceMember]{view: func(m models.AudienceMember) audienceMember { return audienceMember(m) }}.page(members, in.Limit)
	if next != "" {
		p.NextCursor = encodeCursor(memberList, []string{next})
	}
	return &membersOutput{Body: p}, nil
}
