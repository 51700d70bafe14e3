package api

import (
	"context"

	"github.com/tearoff/tearoff/models"
)

type setOptOutsInput struct {
	UserPath
	Body struct {
		Channels []models.Channel `json:"channels" maxItems:"4" nullable:"false" uniqueItems:"true" enum:"inbox,email,sms,push" doc:"All of them; those that are not named are wanted."`
	}
}

type optOutsOutput struct{ Body optOuts }

// optOuts are the channels through which a user wants nothing.
type optOuts struct {
	UserID   string           `json:"user_id,omitempty" doc:"Tearoff's own id of the user; absent for one whom nobody knows."`
	Channels []models.Channel `json:"channels" nullable:"false"`
}

func viewOptOuts(u models.User) *optOutsOutput {
	v := optOuts{UserID: u.ID, Channels: []models.Channel{}}
	for _, c := range models.Channels() {
		if u.OptOut.Has(c.Set()) {
			v.Channels = append(v.Channels, c)
		}
	}
	return &optOutsOutput{Body: v}
}

func (s *Server) getOptOuts(ctx context.Context, in *UserPath) (*optOutsOutput, error) {
	id, err := s.findUser(ctx, models.UserRef{ID: in.ID}, "path")
	if err != nil || id == "" {
		return viewOptOuts(models.User{}), err
	}
	u, err := s.store.OptOuts(ctx, id)
	return viewOptOuts(u), err
}

func (s *Server) setOptOuts(ctx context.Context, in *setOptOutsInput) (*optOutsOutput, error) {
	if err := checkUser(models.UserRef{ID: in.ID}, "path"); err != nil {
		return nil, err
	}
	id, err := s.store.EnsureUser(ctx, models.UserRef{ID: in.ID}) // who is not known may say no beforehand
	if err != nil {
		return nil, err
	}
	var set models.ChannelSet
	for _, c := range in.Body.Channels {
		set |= c.Set()
	}
	u, err := s.store.SetOptOuts(ctx, id, set, ^models.ChannelSet(0))
	return viewOptOuts(u), err
}

type unsubscribeInput struct {
	Token string `path:"token" maxLength:"400"`
}

// unsubscribe is what a mail program does for a user who wants no more mail (RFC 8058). It takes no key: the link is signed. The
// form that comes with it says nothing that the link doesn't, and is not read.
func (s *Server) unsubscribe(ctx context.Context, in *unsubscribeInput) (*struct{}, error) {
	userID, channel, ok := s.cfg.Unsubscribe.Read(in.Token)
	if !ok {
		return nil, models.NewError(models.CodeNotFound, "there is no such link")
	}
	_, err := s.store.SetOptOuts(ctx, userID, channel.Set(), channel.Set())
	return nil, err
}
