package store

import (
	"strings"
	"time"

	"github.com/tearoff/tearoff/models"
)

// identityColumns are those that name a user.
func identityColumns() []string { return []string{"id", "email", "phone", "openid", "device", "card"} }

// userRef is whom the row names.
func (r importRow) userRef() models.UserRef {
	return models.UserRef{
		ID: r.cells["id"], Email: r.cells["email"], Phone: r.cells["phone"], OpenID: r.cells["openid"], Device: r.cells["device"], Card: r.cells["card"],
	}
}

// importUsers makes or changes the users that the rows name.
func (tx *txn) importUsers(_ *models.Import, rows []importRow) (faults []models.ImportFault, err error) {
	var list []UserUpsert
	var of []importRow
	for _, r := range rows {
		c, column, err := r.profile()
		if err != nil {
			faults = append(faults, r.fault(column, err))
			continue
		}
		list, of = append(list, UserUpsert{Ref: r.userRef(), ProfileChange: c}), append(of, r)
	}
	done, err := tx.upsertUsers(list)
	if err != nil {
		return nil, err
	}
	for i, d := range done {
		if d.Err != nil {
			faults = append(faults, of[i].fault("", d.Err))
		}
	}
	return faults, nil
}

// profile reads the cells; an empty one leaves what is known as it is. Tags are added.
func (r importRow) profile() (c ProfileChange, column string, err error) {
	for _, cell := range []struct {
		column string
		read   func(text string) error
	}{
		{"locale", func(text string) (err error) { text, err = models.Locale(text); c.Locale = &text; return err }},
		{"time_zone", func(text string) (err error) { text, err = models.TimeZone(text); c.TimeZone = &text; return err }},
		{"tags", func(text string) (err error) { c.AddTags, err = models.Tags(split(text)); return err }},
		{"opt_out", func(text string) (err error) {
			set, err := models.ParseChannelSet(split(text))
			c.OptOut = &set
			return err
		}},
		{"last_active_at", func(text string) (err error) { c.LastActiveAt, err = instantOf(text); return err }},
	} {
		if text := strings.TrimSpace(r.cells[cell.column]); text != "" {
			if err := cell.read(text); err != nil {
				return c, cell.column, err
			}
		}
	}
	return c, "", nil
}

// split reads several words of one cell.
func split(cell string) []string {
	return strings.FieldsFunc(cell, func(r rune) bool { return r == '|' || r == ';' || r == ',' || r == ' ' })
}

func instantOf(text string) (*models.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 {
			return new(models.NewTime(at)), nil
		}
	}
	return nil, models.NewError(models.CodeInvalidRequest, "must be an instant, such as 2026-01-31T09:00:00Z, or a date")
}

// importAudience adds the users that the rows name to a list. With KnownOnly nobody is made: a row that names nobody becomes
// a member without user, so that who walks through the list sees that somebody was meant.
func (tx *txn) importAudience(imp *models.Import, rows []importRow) (faults []models.ImportFault, err error) {
	list := make([]UserUpsert, len(rows))
	for i, r := range rows {
		list[i] = UserUpsert{Ref: r.userRef(), KnownOnly: imp.Options.KnownOnly}
	}
	done, err := tx.upsertUsers(list)
	if err != nil {
		return nil, err
	}
	var a models.Audience // after the users, as a merge does. It can't be deleted while the import is open
	if err := tx.locked().Take(&a, "id = ?", imp.Target).Error; err != nil {
		return nil, notFound(err, "audience")
	}
	var members []*string
	for i := range done {
		switch d := &done[i]; {
		case d.Err == nil:
			members = append(members, &d.UserID)
			continue
		case d.Err.Code == models.CodeUnknownUser:
			members = append(members, nil)
		}
		faults = append(faults, rows[i].fault("", done[i].Err))
	}
	err = tx.addMembers(&a, members)
	return faults, err
}
