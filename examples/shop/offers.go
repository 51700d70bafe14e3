package shop

import (
	"encoding/json"
	"fmt"
	"path"
)

// The offers, by the names of their folders.
const (
	FlashSale = "flash-sale" // 15 dollars off from 60; a hundred, one each
	Welcome   = "welcome"    // 10 % off, at most 30 dollars; one each
	BootWeek  = "boot-week"  // 20 % off footwear, before all others; two each
	BigBasket = "big-basket" // 40 dollars off from 350; one a day
	ThirdPair = "third-pair" // three pairs of socks for two; by a public code, one each
	Letter    = "letter"     // 6 dollars off from 30, for an hour and a half; distributed to a hundred, one each
	Magazine  = "magazine"   // 8 dollars off from 40; a thousand, each by a code of its own
)

// Offer is a rule and a batch of coupons under it, as JSON for POST /v1/admin/rules and POST /v1/admin/batches. What a
// batch needs of its rule's answer, rule_id and rule_version, is filled in by WithRule.
type Offer struct {
	Name  string // of the folder
	Rule  json.RawMessage
	Batch json.RawMessage
}

func offers() ([]Offer, error) {
	var list []Offer
	for _, name := range []string{FlashSale, Welcome, BootWeek, BigBasket, ThirdPair, Letter, Magazine} {
		o := Offer{Name: name}
		for file, into := range map[string]*json.RawMessage{"rule.json": &o.Rule, "batch.json": &o.Batch} {
			if err := read(path.Join("offers", name, file), into); err != nil {
				return nil, err
			}
		}
		list = append(list, o)
	}
	return list, nil
}

// WithRule returns the batch under a version of a rule that was posted.
func (o Offer) WithRule(ruleID string, version int) (json.RawMessage, error) {
	var fields map[string]any
	if err := json.Unmarshal(o.Batch, &fields); err != nil {
		return nil, fmt.Errorf("shop: offer %s: %w", o.Name, err)
	}
	fields["rule_id"], fields["rule_version"] = ruleID, version
	return json.Marshal(fields)
}
