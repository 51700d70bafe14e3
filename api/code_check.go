package api

import (
	"fmt"
	"strings"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
)

// checkCodes makes the codes that were asked for, or says all that is wrong with them.
func checkCodes(b models.Batch, asked []newCode) ([]models.CouponCode, error) {
	if b.Codes == models.CodesNone {
		return nil, invalid(Fault{Path: "path.id", Message: "the batch has no codes"})
	}
	var faults []Fault
	codes, first := make([]models.CouponCode, len(asked)), make(map[string]int, len(asked))
	for i, in := range asked {
		fault := func(path, message string) {
			faults = append(faults, Fault{Path: fmt.Sprintf("body.codes[%d].%s", i, path), Message: message})
		}
		codes[i] = checkCode(b, in, fault)
		key := codes[i].CodeKey
		if before, twice := first[key]; twice && key != "" {
			fault("code", fmt.Sprintf("is the same code as codes[%d]", before))
		} else {
			first[key] = i
		}
	}
	if len(faults) > 0 {
		return nil, invalid(faults...)
	}
	return codes, nil
}

func checkCode(b models.Batch, in newCode, fault func(path, message string)) models.CouponCode {
	w := windows{zone: b.Zone(), fault: fault}
	c := models.CouponCode{
		CodeKey: models.CodeKey(in.Code), Kind: b.Codes, Display: strings.TrimSpace(in.Code), Label: in.Label, MaxUses: in.MaxUses, Active: true,
		ValidFrom: w.start("valid_from", in.ValidFrom), ValidUntil: w.end("valid_until", in.ValidUntil),
	}
	if c.CodeKey == "" {
		fault("code", fmt.Sprintf("must be 1 to %d characters that can be seen", models.MaxCodeLength))
	}
	if in.MaxUses != nil {
		checkMaxUses(c, fault)
	}
	w.follows("valid_until", c.ValidUntil, "valid_from", c.ValidFrom)
	return c
}

// checkMaxUses finds fault with a bound of a single code other than its own.
func checkMaxUses(c models.CouponCode, fault func(path, message string)) {
	if c.Kind == models.CodesSingle && (c.MaxUses == nil || *c.MaxUses != 1) {
		fault("max_uses", "must be 1: a single code gets one coupon")
	}
}

// checkCodeChange judges what the code would become.
func checkCodeChange(b models.Batch, code models.CouponCode, in codeChange) (store.CodeChange, error) {
	var faults []Fault
	fault := func(path, message string) { faults = append(faults, Fault{Path: "body." + path, Message: message}) }
	w := windows{zone: b.Zone(), fault: fault}
	change := store.CodeChange{CodeKey: code.CodeKey, Active: in.Active, Label: in.Label}
	if in.MaxUses.sent {
		code.MaxUses, change.MaxUses = in.MaxUses.value, in.MaxUses.value
		if change.MaxUses == nil {
			change.MaxUses = new(int64) // 0: no bound
		}
		checkMaxUses(code, fault)
	}
	if in.ValidFrom.sent {
		code.ValidFrom = w.start("valid_from", in.ValidFrom.value)
		change.ValidFrom = &code.ValidFrom
	}
	if in.ValidUntil.sent {
		code.ValidUntil = w.end("valid_until", in.ValidUntil.value)
		change.ValidUntil = &code.ValidUntil
	}
	if in.ValidFrom.sent || in.ValidUntil.sent {
		w.follows("valid_until", code.ValidUntil, "valid_from", code.ValidFrom)
	}
	if len(faults) > 0 {
		return store.CodeChange{}, invalid(faults...)
	}
	return change, nil
}

// told is what the audit log says of a change.
func (c codeChange) told() map[string]any {
	told := map[string]any{}
	if c.Active != nil {
		told["active"] = *c.Active
	}
	if c.Label != nil {
		told["label"] = *c.Label
	}
	if c.MaxUses.sent {
		told["max_uses"] = c.MaxUses.value
	}
	if c.ValidFrom.sent {
		told["valid_from"] = c.ValidFrom.value
	}
	if c.ValidUntil.sent {
		told["valid_until"] = c.ValidUntil.value
	}
	return told
}
