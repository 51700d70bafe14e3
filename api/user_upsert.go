package api

import (
	"context"
	"fmt"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

type upsertUsersInput struct {
	Body struct {
		Users []upsertUser `json:"users" minItems:"1" maxItems:"500" nullable:"false"`
	}
}

// upsertUser is one user as a server knows it.
type upsertUser struct {
	User models.UserRef `json:"user"`
	ProfileInput
	Tags TagsInput `json:"tags,omitzero"`
}

type upsertUsersOutput struct {
	Body struct {
		Items []upserted `json:"items" nullable:"false" doc:"One for each of the request, in its order."`
	}
}

// upserted is whom one of the request's users is, or why it could not be done. The others don't depend on it.
type upserted struct {
	UserID  string  `json:"user_id,omitempty"`
	Created bool    `json:"created"`
	Error   *reason `json:"error,omitempty"`
}

func (s *Server) upsertUsers(ctx context.Context, in *upsertUsersInput) (*upsertUsersOutput, error) {
	if err := platformOnly(ctx); err != nil {
		return nil, err
	}
	list := make([]store.UserUpsert, len(in.Body.Users))
	for i, u := range in.Body.Users {
		path := fmt.Sprintf("body.users[%d]", i)
		if err := checkUser(u.User, path+".user"); err != nil {
			return nil, err
		}
		c, err := u.change(path)
		if err != nil {
			return nil, err
		}
		if err := u.Tags.into(&c, path+".tags"); err != nil {
			return nil, err
		}
		list[i] = store.UserUpsert{Ref: u.User, ProfileChange: c}
	}
	done, err := s.store.UpsertUsers(ctx, list)
	if err != nil {
		return nil, err
	}
	out := &upsertUsersOutput{}
	for _, d := range done {
		item := upserted{UserID: d.UserID, Created: d.Created}
		if d.Err != nil {
			item.Error = reasonOf(models.RefusalOf(d.Err))
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}
