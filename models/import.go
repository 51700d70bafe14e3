package models

// ImportKind is what the rows of a file become.
type ImportKind string

// The kinds of import.
const (
	ImportUsers    ImportKind = "users"    // users, with profile and tags
	ImportAudience ImportKind = "audience" // members of a list; Target is the audience
	ImportCodes    ImportKind = "codes"    // codes of a batch; Target is the batch
)

// ImportState is where an import is in its life.
type ImportState string

// The states of an import: an open one takes rows, as often as it needs until all of the file has arrived.
const (
	ImportOpen      ImportState = "OPEN"
	ImportDone      ImportState = "DONE"      // the last row of the file was applied
	ImportCancelled ImportState = "CANCELLED" // what was applied before stays
)

// Import is a file of rows that are applied slice by slice, each row exactly once. A file that broke off is sent again as a
// whole: rows before NextRow are read and left out, and Digest proves that they are the same.
type Import struct {
	ID         string `gorm:"primaryKey"`
	MerchantID string // "": of the platform
	Kind       ImportKind
	Target     string        // id of the audience or batch; "" for users
	Options    ImportOptions `gorm:"serializer:json"`
	Columns    []string      `gorm:"serializer:json"` // of the file's first row; empty until it has come
	State      ImportState
	NextRow    int64  // number of the row that is expected next; the header is row 1, so rows begin at 2
	Digest     string // of all rows before NextRow, hexadecimal; "" before the first slice
	Applied    int64  // rows that had an effect, or would have had one if it weren't there already
	Faults     int64  // rows that had none; Applied + Faults = NextRow − 2
	Bytes      int64  // of the file, up to NextRow
	Seq        int64
	Actor      string // id of the key that made it
	CreatedAt  Time
	UpdatedAt  Time
	EndedAt    Time // zero: open
}

// ImportOptions say how rows are taken.
type ImportOptions struct {
	// KnownOnly keeps an import of an audience from making users at first sight: a row that names nobody we know then counts
	// as a member without user (CodeUnknownUser), and what it named is not kept.
	KnownOnly bool `json:"known_only,omitempty" doc:"Audience: rows that name nobody known make no user; they are kept without any personal data and counted as unknown_user."`
}

// ImportFault is a row that had no effect, and why. It holds none of what the row said.
type ImportFault struct {
	ImportID   string `gorm:"primaryKey"`
	FileRow    int64  `gorm:"primaryKey"` // as a spreadsheet counts: the header is 1
	Code       Code
	ColumnName string // "" when it is about the whole row
	Message    string
}
