package demo

import (
	"context"
	"encoding/csv"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/tearoff/tearoff/models"
)

// readers is how many customers want letters; the offer for them has 100 coupons.
const readers = 120

// importUsers brings who wants letters from a file, in which one row is wrong.
func (s *story) importUsers(ctx context.Context, sc *scene) error {
	file, err := s.readersFile()
	if err != nil {
		return err
	}
	out, err := s.tearoff(ctx, "import", "users", file, "--reason", "who wants letters")
	if err != nil {
		return err
	}
	id, _, _ := strings.Cut(string(out), " ")
	type result struct {
		State   models.ImportState `json:"state"`
		Applied int                `json:"applied"`
		Faults  int                `json:"faults"`
	}
	done, err := call[result](ctx, s.admin, request{Path: "/v1/admin/imports/" + id})
	if err != nil {
		return err
	}
	check(sc, "rows that had their effect", readers, done.Applied)
	check(sc, "rows that are wrong, and are listed in a file", 1, done.Faults)
	type preview struct {
		Users int  `json:"users"`
		Exact bool `json:"exact"`
	}
	counted, err := call[preview](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/audiences/preview", Body: map[string]any{"expression": wantLetters}})
	check(sc, "customers with "+wantLetters, readers, counted.Users)
	return err
}

// wantLetters is the expression for those who want letters.
const wantLetters = "tag:letters and not opted_out:email"

// readersFile writes the shop's list as a spreadsheet would.
func (s *story) readersFile() (path string, err error) {
	path = filepath.Join(s.servers.options.Dir, "readers.csv")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	rows := [][]string{{"id", "email", "locale", "tags"}, {"customer-0001", "no address", "de", "letters"}}
	for i, user := range s.shop.Users[:readers] {
		rows = append(rows, []string{user.ID, user.Email, []string{"en", "de-AT"}[i%2], "letters"})
	}
	return path, csv.NewWriter(file).WriteAll(rows)
}
