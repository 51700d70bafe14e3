package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// productTerms say how a shop marks products.
type productTerms struct {
	Text       string      `json:"text" minLength:"1" maxLength:"100" doc:"What the shop shows." example:"5 € off"`
	Products   []productID `json:"products,omitempty" maxItems:"1000" nullable:"false" doc:"Your own ids, in place of those before. Absent: as before. Many come by POST …/products."`
	Categories []productID `json:"categories,omitempty" maxItems:"1000" nullable:"false" doc:"Likewise."`
	Merchants  []productID `json:"merchants,omitempty" maxItems:"1000" nullable:"false" doc:"Likewise."`
	FromRule   bool        `json:"from_rule,omitempty" doc:"Those of the rule's scope, beside what is listed."`
	From       *when       `json:"from,omitempty" nullable:"true" doc:"Default: when claiming begins."`
	Until      *when       `json:"until,omitempty" nullable:"true" doc:"Default: when claiming, or the validity, ends."`
}

// productID is the caller's own id of a product, a category or a merchant.
type productID = string

type tagChangeInput struct {
	BatchPath
	Body struct {
		Add    tagLists `json:"add,omitzero"`
		Remove tagLists `json:"remove,omitzero"`
		Reason string   `json:"reason" minLength:"1" maxLength:"1000" doc:"For the audit log."`
	}
}

// tagLists are ids of the caller's own.
type tagLists struct {
	Products   []productID `json:"products,omitempty" maxItems:"5000" nullable:"false"`
	Categories []productID `json:"categories,omitempty" maxItems:"5000" nullable:"false"`
	Merchants  []productID `json:"merchants,omitempty" maxItems:"5000" nullable:"false"`
}

// Resolve implements huma.Resolver.
func (l tagLists) Resolve(_ huma.Context, path *huma.PathBuffer) []error {
	for _, list := range []struct {
		name string
		ids  []string
	}{{"products", l.Products}, {"categories", l.Categories}, {"merchants", l.Merchants}} {
		for i, id := range list.ids {
			if !isProductID(id) {
				return []error{&huma.ErrorDetail{Location: path.With(fmt.Sprintf("%s[%d]", list.name, i)), Message: "must be 1 to 100 characters that can be seen"}}
			}
		}
	}
	return nil
}

type listTagsInput struct {
	BatchPath
	PageInput
}

type tagsOutput struct{ Body page[taggedThing] }

// taggedThing is what a batch tags.
type taggedThing struct {
	Kind models.TagKind `json:"kind" enum:"product,category,merchant"`
	ID   string         `json:"id" doc:"Your own."`
	Live bool           `json:"live" doc:"Whether shops are shown it, as far as the batch's workflow has come."`
}

type couponTagsInput struct {
	Body struct {
		ProductIDs []productID   `json:"product_ids,omitempty" maxItems:"500" nullable:"false" doc:"This or products."`
		Products   []taggableRef `json:"products,omitempty" maxItems:"500" nullable:"false" doc:"With what they belong to, so that tags of categories and merchants are found too."`
	}
}

// taggableRef is a product with what it belongs to.
type taggableRef struct {
	ID          string   `json:"id"`
	CategoryIDs []string `json:"category_ids,omitempty" maxItems:"20" nullable:"false"`
	MerchantID  string   `json:"merchant_id,omitempty"`
}

type couponTagsOutput struct {
	Body struct {
		Products []productTags `json:"products" nullable:"false" doc:"In the order asked."`
	}
}

// productTags are the tags of one product.
type productTags struct {
	ID   string      `json:"id"`
	Tags []couponTag `json:"tags" nullable:"false" doc:"By batch; at most 20."`
}

// couponTag says that there are coupons for a product.
type couponTag struct {
	BatchID   string           `json:"batch_id"`
	Text      string           `json:"text" doc:"What to show." example:"5 € off"`
	Name      string           `json:"name" doc:"Of the batch."`
	ClaimMode models.ClaimMode `json:"claim_mode" enum:"claim,on_use,auto" doc:"How a user comes by a coupon."`
	Currency  models.Currency  `json:"currency,omitempty"`
	Rule      ruleContent      `json:"rule" doc:"What a coupon is worth and when it may be used."`
	Until     *time.Time       `json:"until,omitempty" doc:"When the tag goes; absent: nobody knows."`
}

// maxTags bounds how many tags one product shows.
const maxTags = 20

func (s *Server) tagRoutes() []route {
	return []route{
		on(s, spec{Route: "POST /v1/products/coupon-tags", Name: "find-coupon-tags", Roles: shops, Status: 200,
			Summary: "Which products have coupons now, and what a shop shows of them"}, s.couponTags),
		on(s, spec{Route: "POST /v1/admin/batches/{id}/products", Name: "change-products", Roles: admins, Status: 204,
			Summary: "Tag more products, or fewer"}, s.changeTags),
		on(s, spec{Route: "GET /v1/admin/batches/{id}/products", Name: "list-products", Roles: adminRead,
			Summary: "What a batch tags"}, s.listTags),
	}
}

// isProductID keeps out what the store can't hold, and what nobody could see.
func isProductID(id string) bool {
	return id != "" && len([]rune(id)) <= 100 && !strings.ContainsFunc(id, unseen)
}

func unseen(r rune) bool { return r < ' ' || r == '\u007f' || r == '\ufffd' }

func (s *Server) changeTags(ctx context.Context, in *tagChangeInput) (*struct{}, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	add, remove := in.Body.Add, in.Body.Remove
	change := store.TagChange{
		BatchID: in.ID, Add: subjects(add.Products, add.Categories, add.Merchants), Remove: subjects(remove.Products, remove.Categories, remove.Merchants),
		Audit: audited(ctx, "batch.products", in.Body.Reason),
	}
	change.Audit.Detail = map[string]any{"added": len(change.Add), "removed": len(change.Remove)}
	return nil, s.store.ChangeTags(ctx, change)
}

const tagList = "products"

func (s *Server) listTags(ctx context.Context, in *listTagsInput) (*tagsOutput, error) {
	if err := s.ownBatch(ctx, in.ID); err != nil {
		return nil, err
	}
	parts, err := decodeCursor(in.Cursor, tagList, 2)
	if err != nil {
		return nil, err
	}
	q := store.TagQuery{BatchID: in.ID, Limit: in.Limit + 1}
	if parts != nil {
		q.After = models.TagSubject{Kind: models.TagKind(parts[0]), Value: parts[1]}
		if !slices.Contains(models.TagKinds(), q.After.Kind) || !isProductID(q.After.Value) {
			return nil, invalidCursor()
		}
	}
	rows, err := s.store.Tags(ctx, q)
	if err != nil {
		return nil, err
	}
	return &tagsOutput{Body: list[models.ProductTag, taggedThing]{
		name: tagList,
		view: func(r models.ProductTag) taggedThing { return taggedThing{Kind: r.Kind, ID: r.Value, Live: r.Live} },
		mark: func(r models.ProductTag) []string { return []string{string(r.Kind), r.Value} },
	}.page(rows, in.Limit)}, nil
}

// couponTags answers for many products at once, from what is kept for less than a second.
func (s *Server) couponTags(ctx context.Context, in *couponTagsInput) (*couponTagsOutput, error) {
	products := in.Body.Products
	for _, id := range in.Body.ProductIDs {
		products = append(products, taggableRef{ID: id})
	}
	if len(products) == 0 || len(products) > 500 {
		return nil, invalid(Fault{Path: "body", Message: "must name 1 to 500 products"})
	}
	asked := make([][]models.TagSubject, len(products))
	for i, p := range products {
		asked[i] = p.subjects()
	}
	all := slices.Concat(asked...)
	if i := slices.IndexFunc(all, func(s models.TagSubject) bool { return !isProductID(s.Value) }); i >= 0 {
		return nil, invalid(Fault{Path: "body", Message: "ids must be 1 to 100 characters that can be seen"})
	}
	tagged, err := s.store.TaggedBy(ctx, all)
	if err != nil {
		return nil, err
	}
	out := &couponTagsOutput{}
	out.Body.Products = make([]productTags, len(products))
	for i, p := range products {
		out.Body.Products[i] = productTags{ID: p.ID}
		if out.Body.Products[i].Tags, err = s.viewTags(ctx, asked[i], tagged); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// subjects are what the product can be tagged by.
func (p taggableRef) subjects() []models.TagSubject {
	var merchants []string
	if p.MerchantID != "" {
		merchants = []string{p.MerchantID}
	}
	return subjects([]string{p.ID}, p.CategoryIDs, merchants)
}

// viewTags shows each batch once. A merchant's key sees its own.
func (s *Server) viewTags(ctx context.Context, subjects []models.TagSubject, tagged map[models.TagSubject][]store.Tagged) ([]couponTag, error) {
	tags := []couponTag{}
	for _, subject := range subjects {
		for _, t := range tagged[subject] {
			known := slices.ContainsFunc(tags, func(o couponTag) bool { return o.BatchID == t.Batch.ID })
			if known || visible(ctx, t.Batch.MerchantID, "batch") != nil {
				continue
			}
			rule, err := s.ruleText(ctx, t.Batch.RuleID, t.Batch.RuleVersion)
			if err != nil {
				return nil, err
			}
			tags = append(tags, couponTag{
				BatchID: t.Batch.ID, Text: t.Batch.Products.Text, Name: t.Batch.Name, ClaimMode: t.Batch.ClaimMode, Currency: t.Batch.Currency,
				Rule: rule, Until: instant(t.Until),
			})
		}
	}
	slices.SortFunc(tags, func(a, b couponTag) int { return strings.Compare(a.BatchID, b.BatchID) })
	return tags[:min(len(tags), maxTags)], nil
}
