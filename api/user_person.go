package api

import (
	"context"
	"net/http"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// personRoutes are about people as a whole: who is the same person, who is to be forgotten, and what is known.
func (s *Server) personRoutes() []route {
	const ok = http.StatusOK
	return []route{
		on(s, spec{Route: "POST /v1/admin/users/{id}/merge", Name: "merge-user", Roles: admins, Status: ok,
			Summary: "Give all that is one user's to another"}, s.mergeUser),
		on(s, spec{Route: "POST /v1/admin/users/{id}/erase", Name: "erase-user", Roles: admins,
			Summary: "Forget who a user is; coupons and books stay without a name"}, s.eraseUser),
		on(s, spec{Route: "GET /v1/admin/users/{id}/export", Name: "export-user", Roles: admins,
			Summary: "All that is kept of a person"}, s.exportUser),
	}
}

type mergeUserInput struct {
	UserPath
	Body struct {
		Into   string `json:"into" minLength:"1" maxLength:"200" doc:"Who takes over: your own id of the user, or Tearoff's."`
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

func (s *Server) mergeUser(ctx context.Context, in *mergeUserInput) (*userOutput, error) {
	into, err := s.knownUser(ctx, in.Body.Into)
	if err != nil {
		return nil, err
	}
	from := in.ID // an id of ours names the one who is merged also when that was done before
	if !models.IsID(from, models.PrefixUser) {
		if from, err = s.knownUser(ctx, from); err != nil {
			return nil, err
		}
	}
	err = s.store.MergeUsers(ctx, store.UserMerge{From: from, Into: into, Audit: audited(ctx, "user.merge", in.Body.Reason)})
	if err != nil {
		return nil, err
	}
	return s.getUser(ctx, &UserPath{ID: into})
}

type eraseUserInput struct {
	UserPath
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log. Don't name the person."`
	}
}

func (s *Server) eraseUser(ctx context.Context, in *eraseUserInput) (*struct{}, error) {
	id, err := s.knownUser(ctx, in.ID)
	if err != nil {
		if models.CodeOf(err) == models.CodeUserErased {
			err = nil
		}
		return nil, err
	}
	return nil, s.store.EraseUser(ctx, id, audited(ctx, "user.erase", in.Body.Reason))
}

type exportUserOutput struct{ Body userExport }

// userExport is all that is kept of a person.
type userExport struct {
	User        User                 `json:"user"`
	Coupons     []Coupon             `json:"coupons" nullable:"false"`
	Redemptions []exportedRedemption `json:"redemptions" nullable:"false"`
	Messages    []exportedMessage    `json:"messages" nullable:"false"`
	Audiences   []Audience           `json:"audiences" nullable:"false" doc:"Lists that the user was put into."`
	Truncated   bool                 `json:"truncated" doc:"There is more than the 10,000 of a kind that are told."`
}

// exportedRedemption is what a redemption says of a person.
type exportedRedemption struct {
	ID        string                 `json:"id"`
	OrderID   string                 `json:"order_id,omitempty"`
	State     models.RedemptionState `json:"state"`
	Cart      models.Cart            `json:"cart"`
	Facts     models.UserFacts       `json:"user_facts,omitzero" doc:"What the shop knew of the user."`
	Discount  models.Money           `json:"discount"`
	Payable   models.Money           `json:"payable"`
	CreatedAt time.Time              `json:"created_at"`
}

// exportedMessage is what was or is to be told to a person.
type exportedMessage struct {
	ID        string              `json:"id"`
	Channel   models.Channel      `json:"channel"`
	Kind      models.MessageKind  `json:"kind"`
	State     models.MessageState `json:"state"`
	Params    map[string]string   `json:"fields,omitempty"`
	SentAt    *time.Time          `json:"sent_at,omitempty"`
	CreatedAt time.Time           `json:"created_at"`
}

func (s *Server) exportUser(ctx context.Context, in *UserPath) (*exportUserOutput, error) {
	id, err := s.knownUser(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	x, err := s.store.ExportUser(ctx, id)
	if err != nil {
		return nil, err
	}
	return &exportUserOutput{Body: userExport{
		User: viewUser(x.UserProfile), Coupons: viewed(x.Coupons, viewCoupon), Redemptions: viewed(x.Redemptions, exportRedemption),
		Messages: viewed(x.Messages, exportMessage), Audiences: viewed(x.Audiences, viewAudience), Truncated: x.Truncated,
	}}, nil
}

func viewed[R, T any](rows []R, view func(R) T) []T {
	all := make([]T, len(rows))
	for i, r := range rows {
		all[i] = view(r)
	}
	return all
}

func exportRedemption(r models.Redemption) exportedRedemption {
	e := exportedRedemption{
		ID: r.ID, State: r.State, Cart: r.Content.Cart, Facts: r.Content.User, Discount: money(r.Discount, r.Currency),
		Payable: money(r.Payable, r.Currency), CreatedAt: r.CreatedAt.Time,
	}
	if r.OrderID != nil {
		e.OrderID = *r.OrderID
	}
	return e
}

func exportMessage(m models.Message) exportedMessage {
	return exportedMessage{
		ID: m.ID, Channel: m.Channel, Kind: m.Kind, State: m.State, Params: m.Params.Fields, SentAt: instant(m.SentAt), CreatedAt: m.CreatedAt.Time,
	}
}
