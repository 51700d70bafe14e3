package models

// AudienceKind says how the members of an audience are known.
type AudienceKind string

// The kinds of audience.
const (
	AudienceExpression AudienceKind = "expression" // whoever the expression holds for, at the moment of asking
	AudienceList       AudienceKind = "list"       // users that were named one by one, in a request or in a file
)

// Audience is users that something is meant for. It doesn't change but by an import into a list. An expression's name makes
// it a segment that other expressions of the merchant may use.
type Audience struct {
	ID         string `gorm:"primaryKey"`
	MerchantID string // "": of the platform
	Name       string // unique for the merchant
	Kind       AudienceKind
	Expression string // of AudienceExpression; "" else
	Size       int64  // members of a list, unknown users included; 0 for an expression, whose members are counted when asked for
	Seq        int64  // moves with every import of rows
	CreatedAt  Time
	UpdatedAt  Time
}

// AudienceRow is a stored member of a list. Places are dense from 1, in the order in which the members came.
type AudienceRow struct {
	AudienceID string  `gorm:"primaryKey"`
	Pos        int64   `gorm:"primaryKey"`
	UserID     *string // nil: the file named somebody whom Tearoff doesn't know, and who is not kept
}

// TableName implements gorm's naming.
func (AudienceRow) TableName() string { return "audience_members" }

// AudienceMember is one of an audience's users as somebody who walks through it gets to see it.
type AudienceMember struct {
	UserID string // "" with Reason CodeUnknownUser
	Reason Code   // why nothing may be given to this member: CodeUnknownUser, CodeUserBlocked, CodeUserErased; "": a live user
}
