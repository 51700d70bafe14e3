package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// faultsError is what is wrong with files: a line for each fault, with its file and path.
type faultsError []string

// Error implements error.
func (f faultsError) Error() string {
	return "the files can't be used as written:\n  " + strings.Join(f, "\n  ")
}

// readRule reads a file with one rule. Faults are those of the rule; an error is about the file.
func readRule(path string) (*rules.Rule, faultsError, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	r, err := rules.Parse(raw)
	return &r, faultsOf(path, err), nil
}

// readCart reads a file with a cart, as strictly as the API does.
func readCart(path string) (models.Cart, faultsError, error) {
	var cart models.Cart
	raw, err := os.ReadFile(path)
	if err != nil {
		return cart, nil, err
	}
	var form any
	if err := json.Unmarshal(raw, &form); err != nil {
		return cart, faultsError{path + ": cart: is not valid JSON: " + err.Error()}, nil
	}
	var faults faultsError
	for _, err := range huma.NewModelValidator().Validate(reflect.TypeFor[models.Cart](), form) {
		place, fault := "cart", err.Error()
		var detail *huma.ErrorDetail
		if errors.As(err, &detail) {
			place, fault = cmp.Or(detail.Location, place), detail.Message
		}
		faults = append(faults, fmt.Sprintf("%s: %s: %s", path, place, fault))
	}
	if len(faults) > 0 {
		return cart, faults, nil
	}
	if err := json.Unmarshal(raw, &cart); err != nil {
		return cart, faultsError{path + ": cart: " + err.Error()}, nil
	}
	_, err = cart.Totals()
	return cart, faultsOf(path, err), nil
}

// faultsOf lists the faults that a domain error names; none for nil.
func faultsOf(path string, err error) (faults faultsError) {
	if err == nil {
		return nil
	}
	var domain *models.Error
	if errors.As(err, &domain) {
		list, _ := domain.Params["errors"].([]string)
		for _, fault := range list {
			faults = append(faults, path+": "+fault)
		}
	}
	if len(faults) == 0 {
		faults = faultsError{path + ": " + err.Error()}
	}
	return faults
}

var errNoInstant = errors.New("must be an instant, such as 2026-12-31T18:00:00Z, or a date, such as 2026-12-31")

// readInstant reads an instant, or a date, which is its first instant in the zone. "" is the zero value.
func readInstant(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return at, fmt.Errorf("--at: %w", errNoInstant)
	}
	return at, nil
}
