package models

import "encoding/json"

// Rule is one immutable version of what a coupon is worth and when it may be used. An edit makes the next version, so a
// coupon that was issued never changes.
type Rule struct {
	ID         string `gorm:"primaryKey"`
	Version    int    `gorm:"primaryKey"` // from 1
	MerchantID string
	Name       string
	Content    json.RawMessage `gorm:"serializer:json"` // a rules.Rule, validated before it gets here
	CreatedAt  Time
}
