package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

type createRuleInput struct {
	Body struct {
		MerchantID string      `json:"merchant_id,omitempty" maxLength:"100" pattern:"^(\\S(.*\\S)?)?$" doc:"Default: the key's merchant, or the platform itself."`
		Name       string      `json:"name" minLength:"1" maxLength:"200"`
		Content    ruleContent `json:"content"`
	}
}

type createRuleVersionInput struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Name    string      `json:"name,omitempty" maxLength:"200" doc:"Default: as before."`
		Content ruleContent `json:"content"`
	}
}

type getRuleInput struct {
	ID      string `path:"id" maxLength:"100"`
	Version int    `query:"version" minimum:"1" maximum:"1000000" doc:"Default: the newest."`
}

type ruleOutput struct{ Body ruleVersionView }

type rulesOutput struct{ Body page[ruleVersionView] }

// ruleVersionView is one version of a rule; it never changes.
type ruleVersionView struct {
	ID         string      `json:"id"`
	Version    int         `json:"version"`
	MerchantID string      `json:"merchant_id,omitempty"`
	Name       string      `json:"name"`
	Content    ruleContent `json:"content"`
	CreatedAt  time.Time   `json:"created_at"`
}

func viewRule(r models.Rule) ruleVersionView {
	return ruleVersionView{
		ID: r.ID, Version: r.Version, MerchantID: r.MerchantID, Name: r.Name, Content: ruleContent(r.Content), CreatedAt: r.CreatedAt.Time,
	}
}

func (s *Server) createRule(ctx context.Context, in *createRuleInput) (*ruleOutput, error) {
	merchantID, err := merchantFor(ctx, in.Body.MerchantID)
	if err != nil {
		return nil, err
	}
	return s.writeRule(ctx, models.Rule{MerchantID: merchantID, Name: in.Body.Name, Content: json.RawMessage(in.Body.Content)})
}

func (s *Server) createRuleVersion(ctx context.Context, in *createRuleVersionInput) (*ruleOutput, error) {
	r, err := s.rule(ctx, in.ID, 0)
	if err != nil {
		return nil, err
	}
	if in.Body.Name != "" {
		r.Name = in.Body.Name
	}
	r.Content = json.RawMessage(in.Body.Content)
	return s.writeRule(ctx, r)
}

func (s *Server) writeRule(ctx context.Context, r models.Rule) (*ruleOutput, error) {
	if _, err := rules.Parse(r.Content); err != nil {
		return nil, err
	}
	written, err := s.store.CreateRule(ctx, r)
	if err != nil {
		return nil, err
	}
	return &ruleOutput{Body: viewRule(written)}, nil
}

func (s *Server) getRule(ctx context.Context, in *getRuleInput) (*ruleOutput, error) {
	r, err := s.rule(ctx, in.ID, in.Version)
	if err != nil {
		return nil, err
	}
	return &ruleOutput{Body: viewRule(r)}, nil
}

// rule returns a version that the key can see; the newest for version 0.
func (s *Server) rule(ctx context.Context, id string, version int) (models.Rule, error) {
	if err := idOf(id, models.PrefixRule, "rule"); err != nil {
		return models.Rule{}, err
	}
	r, err := s.store.Rule(ctx, id, version)
	if err != nil {
		return models.Rule{}, err
	}
	return r, visible(ctx, r.MerchantID, "rule")
}

const ruleList = "rules"

func (s *Server) listRules(ctx context.Context, in *PageInput) (*rulesOutput, error) {
	start, err := after(in.Cursor, ruleList, models.PrefixRule)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.Rules(ctx, store.Page{MerchantID: keyOf(ctx).MerchantID, After: start, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	l := list[models.Rule, ruleVersionView]{name: ruleList, view: viewRule, mark: func(r models.Rule) []string { return []string{r.ID} }}
	return &rulesOutput{Body: l.page(rows, in.Limit)}, nil
}
