package demo

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"

	"github.com/tearoff/tearoff/examples/shop"
	"github.com/tearoff/tearoff/models"
)

// magazine makes 500 codes, lets a customer type one, and somebody guess at the same address.
func (s *story) magazine(ctx context.Context, sc *scene) error {
	codes, err := s.makeCodes(ctx, sc)
	if err != nil {
		return err
	}
	type key struct {
		Secret string `json:"secret"`
	}
	made, err := call[key](ctx, s.admin, request{Method: http.MethodPost, Path: "/v1/admin/keys", Body: map[string]any{
		"name": "the shop's pages", "role": models.RoleStorefront, "reason": "the shop opens",
	}})
	if err != nil {
		return err
	}
	pages := s.admin.with(made.Secret)
	typed := func(user shop.User, code string) models.Code { // what came of it
		_, err := call[coupon](ctx, pages, request{Method: http.MethodPost, Path: "/v1/claims", Body: map[string]any{"code": code, "user": user.Ref()}})
		return cmp.Or(codeOf(err), "claimed")
	}
	reader, guesser := s.customer(), s.customer()
	check(sc, "a reader types a code in small letters", models.Code("claimed"), typed(reader, strings.ToLower(codes[0])))
	check(sc, "somebody else types the same code", models.CodeNotValid, typed(guesser, codes[0]))
	for i := range 12 {
		if code := typed(guesser, fmt.Sprintf("MAG-%013d", i)); code != models.CodeNotValid {
			check(sc, fmt.Sprintf("after %d more wrong codes", i), models.CodeTooMany, code)
			break
		}
	}
	check(sc, "and now even with a right one", models.CodeTooMany, typed(guesser, codes[1]))
	check(sc, "another reader, at the same address", models.Code("claimed"), typed(s.customer(), codes[1]))
	return nil
}

// makeCodes has them made, and exports them.
func (s *story) makeCodes(ctx context.Context, sc *scene) ([]string, error) {
	path := "/v1/admin/batches/" + s.batches[shop.Magazine] + "/codes"
	type job struct {
		ID    string              `json:"id"`
		State models.CodeJobState `json:"state"`
		Made  int                 `json:"made"`
	}
	asked, err := call[job](ctx, s.admin, request{Method: http.MethodPost, Path: path + "/generate", Body: map[string]any{
		"count": 500, "label": "October", "reason": "for the printer",
	}})
	if err != nil {
		return nil, err
	}
	done, err := until(ctx, func(ctx context.Context) (job, error) {
		return call[job](ctx, s.admin, request{Path: "/v1/admin/code-jobs/" + asked.ID})
	}, func(j job) bool { return j.State != models.CodeJobRunning })
	if err != nil {
		return nil, err
	}
	check(sc, "codes that were made", 500, done.Made)
	_, file, err := s.admin.insist(ctx, request{Path: path + ".csv"})
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(strings.NewReader(string(file))).ReadAll()
	if err != nil || len(rows) < 2 {
		return nil, fmt.Errorf("the exported file has %d rows: %w", len(rows), err)
	}
	different := map[string]bool{}
	var codes []string
	for _, row := range rows[1:] {
		different[row[0]] = true
		codes = append(codes, row[0])
	}
	check(sc, "different ones in the file for the printer", 500, len(different))
	return codes, nil
}
