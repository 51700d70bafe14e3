package store

import (
	"cmp"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/tearoff/tearoff/models"
)

// named is what an audit reads of a redemption to know its names.
const named = "id, caller, state, idem_key, order_id"

// compareNames checks invariant 5 for redemptions: each has its key, and its order unless it is cancelled.
func (a *auditor) compareNames(ids []string) error {
	var rows []models.Redemption
	var holders map[models.RedemptionName]string
	err := a.snapshot(func(db *gorm.DB) error {
		if err := db.Select(named).Find(&rows, "id IN ?", ids).Error; err != nil {
			return err
		}
		var all []models.RedemptionName
		for _, r := range rows {
			all = append(all, everNamed(r)...)
		}
		var err error
		holders, err = readHolders(db, all)
		return err
	})
	for _, r := range rows {
		for _, name := range everNamed(r) {
			switch holder := holders[name]; {
			case r.Has(name):
				check(a.about(5, r.ID), "who has its "+string(name.Kind), r.ID, holder)
			case holder == r.ID:
				a.about(5, r.ID).differ("who has its "+string(name.Kind), "nobody, or another one", holder)
			}
		}
	}
	return err
}

// everNamed are the names that the redemption has, and those that it has lost by being cancelled.
func everNamed(r models.Redemption) []models.RedemptionName {
	r.State = ""
	return r.Names()
}

func readHolders(db *gorm.DB, names []models.RedemptionName) (map[models.RedemptionName]string, error) {
	values := map[models.RedemptionName][]string{} // by the rest of the name
	for _, name := range names {
		of := models.RedemptionName{Caller: name.Caller, Kind: name.Kind}
		values[of] = append(values[of], name.Value)
	}
	holders := map[models.RedemptionName]string{}
	for of, values := range values {
		var rows []models.NameHolder
		if err := db.Find(&rows, "caller = ? AND kind = ? AND value IN ?", of.Caller, of.Kind, values).Error; err != nil {
			return nil, err
		}
		for _, row := range rows {
			holders[row.RedemptionName] = row.RedemptionID
		}
	}
	return holders, nil
}

// auditNames checks invariant 5 for all names: who has one exists, and is named so.
func (a *auditor) auditNames() error {
	var lists []models.RedemptionName
	if err := a.db.Model(&models.NameHolder{}).Distinct("caller", "kind").Find(&lists).Error; err != nil {
		return err
	}
	for _, next := range lists {
		for more := true; more; {
			var err error
			if next, more, err = a.auditNamesAfter(next); err != nil {
				return err
			}
		}
	}
	return nil
}

// auditNamesAfter checks some names of a caller and returns the last of them, and whether there may be more.
func (a *auditor) auditNamesAfter(name models.RedemptionName) (last models.RedemptionName, more bool, err error) {
	var rows []models.NameHolder
	holders := map[string]models.Redemption{}
	err = a.snapshot(func(db *gorm.DB) error {
		err := db.Where("caller = ? AND kind = ? AND value > ?", name.Caller, name.Kind, name.Value).
			Order("value").Limit(auditSlice).Find(&rows).Error
		if err != nil {
			return err
		}
		for _, row := range rows {
			holders[row.RedemptionID] = models.Redemption{}
		}
		return eachOf(db.Select(named).Where("id IN ?", slices.Collect(maps.Keys(holders))), func(r models.Redemption) { holders[r.ID] = r })
	})
	for _, row := range rows {
		r := holders[row.RedemptionID]
		if row.RedemptionID != "" && !r.Has(row.RedemptionName) {
			a.about(5, row.RedemptionID).differ("name by "+string(row.Kind), "of a redemption that is named so", cmp.Or(r.State, "none"))
		}
		name = row.RedemptionName
	}
	return name, len(rows) == auditSlice, err
}
