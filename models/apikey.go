package models

import (
	"cmp"
	"slices"
	"strings"
)

// Role says which routes a key may use.
type Role string

// The roles.
const (
	RoleAdmin      Role = "admin"
	RoleServer     Role = "server"     // an order service
	RoleStorefront Role = "storefront" // claim, wallet, quote
	RoleSupport    Role = "support"    // reads, and nothing else
)

// Roles lists them all.
func Roles() []Role { return []Role{RoleAdmin, RoleServer, RoleStorefront, RoleSupport} }

// Valid reports whether r is a known role.
func (r Role) Valid() bool { return slices.Contains(Roles(), r) }

// APIKey lets a caller in. The secret itself is not kept, only its hash.
type APIKey struct {
	ID         string `gorm:"primaryKey"`
	Hash       string // unique
	Name       string
	Role       Role
	MerchantID string // "": all merchants
	Caller     string // the scope of idempotency keys and order ids; two keys of one service share it
	CreatedAt  Time
	RevokedAt  Time
}

// KeyCaller is the caller of a new key: what was asked for, or its name. The callers of different merchants are kept
// apart, whatever names they choose, because a caller's keys and order ids find what was written under them.
func KeyCaller(merchantID, asked, name string) string {
	caller := cmp.Or(asked, strings.ReplaceAll(name, "/", "-"))
	if merchantID != "" {
		caller = merchantID + "/" + caller
	}
	return caller
}
