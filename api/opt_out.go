package api

import (
	"context"
	htmltemplate "html/template"

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

// askUnsubscribe shows a page with a button. It changes nothing: programs that look for malice in mail follow its links.
func (s *Server) askUnsubscribe(_ context.Context, in *unsubscribeInput) (*pageOutput, error) {
	_, channel, err := s.unsubscribes(in)
	if err != nil {
		return nil, err
	}
	return pageOf(unsubscribePage, unsubscribing{Channel: channelWords[channel]})
}

// unsubscribe is what that page's button does, and a mail program for a user who wants no more mail (RFC 8058). It takes no key:
// the link is signed. The form that comes with it says nothing that the link doesn't, and is not read.
func (s *Server) unsubscribe(ctx context.Context, in *unsubscribeInput) (*pageOutput, error) {
	userID, channel, err := s.unsubscribes(in)
	if err != nil {
		return nil, err
	}
	if _, err := s.store.SetOptOuts(ctx, userID, channel.Set(), channel.Set()); err != nil {
		return nil, err
	}
	return pageOf(unsubscribePage, unsubscribing{Channel: channelWords[channel], Done: true})
}

// unsubscribes reads a link.
func (s *Server) unsubscribes(in *unsubscribeInput) (userID string, channel models.Channel, err error) {
	userID, channel, ok := s.cfg.Unsubscribe.Read(in.Token)
	if !ok {
		return "", "", models.NewError(models.CodeNotFound, "there is no such link")
	}
	return userID, channel, nil
}

// unsubscribing is what the page says.
type unsubscribing struct {
	Channel string
	Done    bool
}

// channelWords are the channels as people call them.
var channelWords = map[models.Channel]string{
	models.ViaEmail: "e-mail", models.ViaSMS: "text messages", models.ViaPush: "push messages", models.ViaInbox: "messages in your inbox",
}

var unsubscribePage = htmltemplate.Must(htmltemplate.New("unsubscribe").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>Unsubscribe</title>
{{if .Done}}<h1>Done</h1><p>You will get no more {{.Channel}} about your coupons.</p>
{{else}}<h1>Unsubscribe</h1><p>Do you want no more {{.Channel}} about your coupons?</p>
<form method="post"><button>Unsubscribe</button></form>
{{end}}</html>
`))
