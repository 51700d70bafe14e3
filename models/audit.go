package models

// AuditRecord says who did something that needs a reason.
type AuditRecord struct {
	ID      string `gorm:"primaryKey"`
	At      Time
	Actor   string // a key's id, or "cli"
	Action  string // "redemption.resolve", "batch.pause", …
	Subject string // the id it was done to
	Reason  string
	Detail  map[string]any `gorm:"serializer:json"`
}

// TableName implements gorm's naming.
func (AuditRecord) TableName() string { return "audit_log" }

// Difference is one place where the books don't agree. It is reported, never repaired.
type Difference struct {
	Invariant int    `json:"invariant"` // 1 to 4, as in docs/architecture.md
	Subject   string `json:"subject"`   // the id of the batch, coupon or redemption
	What      string `json:"what"`
	Want      string `json:"want"`
	Got       string `json:"got"`
}
