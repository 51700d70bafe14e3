package models

import (
	"cmp"
	"slices"
)

// NameKind says what a redemption is named by.
type NameKind string

// The kinds of name.
const (
	NameKey   NameKind = "key"   // the idempotency key, for ever
	NameOrder NameKind = "order" // the order, until the redemption is cancelled
)

// RedemptionName is what only one redemption of its caller can have.
type RedemptionName struct {
	Caller string   `gorm:"primaryKey"`
	Kind   NameKind `gorm:"primaryKey"`
	Value  string   `gorm:"primaryKey"` // the key itself, or a hash of caller and order
}

// NameHolder says who has a name. Its row is also the lock of the name: who wants to take or to free it locks it first.
type NameHolder struct {
	RedemptionName `gorm:"embedded"`
	RedemptionID   string // "": nobody
}

// TableName implements gorm's naming.
func (NameHolder) TableName() string { return "redemption_names" }

// KeyName is the name that an idempotency key gives.
func KeyName(caller, key string) RedemptionName {
	return RedemptionName{Caller: caller, Kind: NameKey, Value: key}
}

// OrderName is the name that an order gives.
func OrderName(caller, orderID string) RedemptionName {
	return RedemptionName{Caller: caller, Kind: NameOrder, Value: Hash("order", caller, orderID)}
}

// Compare orders names as the primary key of their table does.
func (n RedemptionName) Compare(other RedemptionName) int {
	return cmp.Or(cmp.Compare(n.Caller, other.Caller), cmp.Compare(n.Kind, other.Kind), cmp.Compare(n.Value, other.Value))
}

// Names are those that the redemption has, or is to get when it is opened.
func (r *Redemption) Names() []RedemptionName {
	var names []RedemptionName
	if r.IdemKey != nil {
		names = append(names, KeyName(r.Caller, *r.IdemKey))
	}
	if r.OrderID != nil && r.State != StateCancelled {
		names = append(names, OrderName(r.Caller, *r.OrderID))
	}
	return names
}

// Has reports whether the redemption has the name.
func (r *Redemption) Has(name RedemptionName) bool { return slices.Contains(r.Names(), name) }
