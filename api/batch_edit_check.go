package api

import (
	"context"
	"errors"
	"time"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
	"github.com/tearoff/tearoff/store"
)

// asAsked is the batch as one would ask for it.
func asAsked(r store.BatchRow) newBatch {
	return newBatch{
		MerchantID: r.MerchantID, RuleID: r.RuleID, RuleVersion: r.RuleVersion, Name: r.Name, ClaimMode: r.ClaimMode, Codes: r.Codes,
		Quantity: r.Counter.Quantity, Currency: r.Currency, TimeZone: r.TimeZone, ClaimFrom: asWhen(r.ClaimFrom), ClaimUntil: asWhen(r.ClaimUntil),
		ValidFrom: asWhen(r.ValidFrom), ValidUntil: asWhen(r.ValidUntil), ValidSeconds: r.ValidSeconds,
		ClaimsPerUser: r.ClaimsPerUser, LimitBy: r.LimitBy, Caps: r.Caps, Refunds: r.Refunds,
	}
}

func asWhen(t models.Time) *when {
	if t.IsZero() {
		return nil
	}
	return new(when(t.Format(time.RFC3339Nano)))
}

// overtaken reports whether an edit came too late, rather than being refused for what the batch is.
func overtaken(err error) bool {
	var refusal *models.Error
	return errors.As(err, &refusal) && refusal.Params["config_version"] != nil
}

// checkEdit judges what the batch would become.
func (s *Server) checkEdit(ctx context.Context, row store.BatchRow, in batchEdit) (store.BatchEdit, error) {
	edit := store.BatchEdit{Seen: row.Counter.ConfigVersion}
	if in.ConfigVersion != nil {
		edit.Seen = *in.ConfigVersion
	}
	asked := asAsked(row)
	in.overlay(&asked)
	after, err := s.checkBatch(ctx, asked, row.MerchantID, &row.Batch)
	if err != nil {
		return edit, err
	}
	after.ID, after.Products = row.ID, row.Products
	edit.Batch = after
	if in.Products.sent {
		edit.Batch.Products = nil
		edit.Retag = in.Products.value == nil
		if in.Products.value != nil {
			err = s.checkProducts(ctx, &edit, *in.Products.value)
		}
	}
	return edit, err
}

// overlay puts what was sent over what the batch has.
func (e batchEdit) overlay(b *newBatch) {
	over(&b.Name, e.Name)
	over(&b.ValidSeconds, e.ValidSeconds)
	over(&b.ClaimsPerUser, e.ClaimsPerUser)
	over(&b.LimitBy, e.LimitBy)
	over(&b.Caps, e.Caps)
	over(&b.Refunds, e.Refunds)
	for _, w := range []struct {
		sent field[when]
		to   **when
	}{{e.ClaimFrom, &b.ClaimFrom}, {e.ClaimUntil, &b.ClaimUntil}, {e.ValidFrom, &b.ValidFrom}, {e.ValidUntil, &b.ValidUntil}} {
		if w.sent.sent {
			*w.to = w.sent.value
		}
	}
}

func over[T any](to, sent *T) {
	if sent != nil {
		*to = *sent
	}
}

// checkProducts makes tags of what was sent. Lists that are left out stay as they are, unless the rule's scope is asked for.
func (s *Server) checkProducts(ctx context.Context, edit *store.BatchEdit, in productTerms) error {
	var faults []Fault
	w := windows{zone: edit.Batch.Zone(), fault: func(path, message string) {
		faults = append(faults, Fault{Path: "body.products." + path, Message: message})
	}}
	tags := models.ProductTags{Text: in.Text, FromRule: in.FromRule, From: w.start("from", in.From), Until: w.end("until", in.Until)}
	w.follows("until", tags.Until, "from", tags.From)
	edit.Batch.Products = &tags
	edit.Retag = in.FromRule || in.Products != nil || in.Categories != nil || in.Merchants != nil
	edit.Tags = subjects(in.Products, in.Categories, in.Merchants)
	if in.FromRule {
		scope, err := s.scopeOf(ctx, edit.Batch)
		if err != nil {
			return err
		}
		named := subjects(scope.ProductIDs, scope.CategoryIDs, scope.MerchantIDs)
		if len(named) == 0 {
			w.fault("from_rule", "the rule's scope names no products, categories or merchants")
		}
		edit.Tags = append(edit.Tags, named...)
	}
	for _, subject := range edit.Tags {
		if !isProductID(subject.Value) {
			w.fault(string(subject.Kind), "an id must be 1 to 100 characters that can be seen")
			break
		}
	}
	if len(faults) > 0 {
		return invalid(faults...)
	}
	return nil
}

// scopeOf is what the scope of the batch's rule names.
func (s *Server) scopeOf(ctx context.Context, b models.Batch) (rules.Selector, error) {
	row, err := s.store.Rule(ctx, b.RuleID, b.RuleVersion)
	if err != nil {
		return rules.Selector{}, err
	}
	rule, err := rules.Parse(row.Content)
	if err != nil {
		return rules.Selector{}, models.NewError(models.CodeInternal, "a stored rule can't be read").Wrap(err)
	}
	return rule.Scope.Include, nil
}

// subjects are the ids as what tags are tied to.
func subjects(products, categories, merchants []string) []models.TagSubject {
	list := make([]models.TagSubject, 0, len(products)+len(categories)+len(merchants))
	for i, ids := range [...][]string{products, categories, merchants} {
		for _, id := range ids {
			list = append(list, models.TagSubject{Kind: models.TagKinds()[i], Value: id})
		}
	}
	return list
}
