package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// userOperations change who users are.
func userOperations() []operation {
	return []operation{
		{"ChangeUser", changeUserTrials}, {"UpsertUsers", upsertTrials}, {"MergeUsers", mergeTrials}, {"EraseUser", eraseTrials},
		{"CreateAudience", audienceTrials}, {"DeleteAudience", deleteAudienceTrials}, {"TidyAudiences", tidyAudienceTrials}, {"CreateImport", importTrials}, {"ApplyRows", applyTrials},
		{"ApplyRows, audience", applyAudienceTrials}, {"ApplyRows, codes", applyCodesTrials}, {"CancelImport", cancelImportTrials},
	}
}

func trialsOf(n int, one func(i int) trial) []trial {
	trials := []trial{}
	for i := range n {
		trials = append(trials, one(i))
	}
	return trials
}

func changeUserTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		user := w.User()
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				return "", s.ChangeUser(ctx, store.UserChange{UserID: user, ProfileChange: store.ProfileChange{
					Locale: new("de"), Blocked: new(true), AddTags: []string{"a", "b"}}})
			},
			look: lookAt("SELECT u.locale, u.blocked, t.tag FROM users u JOIN user_tags t ON t.user_id = u.id WHERE u.id = ?", user),
		}
	})
}

func upsertTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		known, fresh := storetest.Name("known"), storetest.Name("fresh")
		id := w.UserNamed(models.UserRef{ID: known})
		tags := store.ProfileChange{AddTags: []string{"a"}}
		list := []store.UserUpsert{
			{Ref: models.UserRef{ID: known, Email: known + "@x.test"}, ProfileChange: tags}, {Ref: models.UserRef{ID: fresh}, ProfileChange: tags}, {},
		}
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				out, err := s.UpsertUsers(ctx, list)
				if err != nil {
					return "", err
				}
				return fmt.Sprint(out[0].UserID == id, out[1].UserID != "", code(out[2].Err)), nil
			},
			look: lookAt("SELECT i.kind, t.tag FROM user_identities i LEFT JOIN user_tags t ON t.user_id = i.user_id WHERE i.value IN (?, ?, ?)",
				known, known+"@x.test", fresh),
		}
	})
}

func mergeTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		from, into := w.User(), w.User()
		w.used(w.Claim(w.batch.ID, from))
		w.Claim(w.batch.ID, into)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				return "", s.MergeUsers(ctx, store.UserMerge{From: from, Into: into})
			},
			look: lookAt("SELECT c.ordinal, c.state, c.seq, u.used_count, u.used_amount, i.kind FROM coupons c JOIN user_counters u ON u.batch_id = c.batch_id "+
				"AND u.user_id = c.user_id JOIN user_identities i ON i.user_id = c.user_id WHERE c.user_id = ?", into),
		}
	})
}

func eraseTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		user := w.User()
		w.used(w.Claim(w.batch.ID, user))
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				return "", s.EraseUser(ctx, user, models.AuditRecord{})
			},
			look: lookAt("SELECT u.erased_at IS NOT NULL, i.kind, c.state FROM users u LEFT JOIN user_identities i ON i.user_id = u.id "+
				"JOIN coupons c ON c.user_id = u.id WHERE u.id = ?", user),
		}
	})
}

func audienceTrials(w *world, n int) []trial {
	users := []string{w.User(), w.User()}
	return trialsOf(n, func(int) trial {
		name := storetest.Name("list")
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				a, err := s.CreateAudience(ctx, models.Audience{Name: name, Kind: models.AudienceList}, users, models.AuditRecord{})
				if models.CodeOf(err) == models.CodeNameTaken { // an earlier call was answered by "unavailable" after it had been done
					return "2", nil
				}
				return fmt.Sprint(a.Size), err
			},
			look: lookAt("SELECT a.size, m.pos FROM audiences a JOIN audience_members m ON m.audience_id = a.id WHERE a.name = ?", name),
		}
	})
}

func deleteAudienceTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		a, err := w.s.CreateAudience(w.t.Context(), models.Audience{Name: storetest.Name("list"), Kind: models.AudienceList}, []string{w.user}, models.AuditRecord{})
		require.NoError(w.t, err)
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				return "", s.DeleteAudience(ctx, a.ID, models.AuditRecord{})
			},
			look: lookAt("SELECT COUNT(*) FROM audience_remains WHERE audience_id = ? UNION ALL SELECT COUNT(*) FROM audiences WHERE id = ?", a.ID, a.ID),
		}
	})
}

// tidyAudienceTrials deletes each audience when its turn comes: all that are deleted are tidied.
func tidyAudienceTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		id := ""
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				if id == "" {
					id = audienceOf(w.t, w.s, crowdOf(w.t, w.s, 3))
					require.NoError(w.t, w.s.DeleteAudience(w.t.Context(), id, models.AuditRecord{}))
				}
				for {
					if n, err := s.TidyAudiences(ctx, 2); n == 0 || err != nil {
						return "", err
					}
				}
			},
			look: func(t *testing.T, s *store.Store) string {
				return lookAt("SELECT (SELECT COUNT(*) FROM audience_remains WHERE audience_id = ?), (SELECT COUNT(*) FROM audience_members WHERE audience_id = ?)", id, id)(t, s)
			},
		}
	})
}

func (w *world) importOf(kind models.ImportKind, target string) models.Import {
	w.t.Helper()
	imp, err := w.s.CreateImport(w.t.Context(), models.Import{Kind: kind, Target: target, Actor: storetest.Name("actor")}, models.AuditRecord{})
	require.NoError(w.t, err)
	return imp
}

func importTrials(_ *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		actor := storetest.Name("actor")
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				imp, err := s.CreateImport(ctx, models.Import{Kind: models.ImportUsers, Actor: actor}, models.AuditRecord{})
				return string(imp.State), err
			},
			look: lookAt("SELECT state, next_row FROM imports WHERE actor = ?", actor),
		}
	})
}

// applying applies one slice of two rows, one of which is faulty, and looks at what the import says and has done.
func applying(imp models.Import, name string) trial {
	slice := store.ImportSlice{
		ImportID: imp.ID, Columns: []string{"id", "email"}, First: 2, Rows: [][]string{{name, ""}, {"", ""}, {name + "-2", ""}}, After: "d", Bytes: 9, Last: true,
	}
	return trial{
		run: func(ctx context.Context, s *store.Store) (string, error) {
			done, err := s.ApplyRows(ctx, slice)
			return fmt.Sprint(done.State, done.NextRow, done.Applied, done.Faults), err
		},
		look: func(t *testing.T, s *store.Store) string {
			return strings.Join(append(query(t, s, "SELECT i.state, i.applied, i.faults, f.file_row FROM imports i JOIN import_faults f ON f.import_id = i.id WHERE i.id = ?", imp.ID),
				query(t, s, "SELECT kind FROM user_identities WHERE value IN (?, ?)", name, name+"-2")...), "\n")
		},
	}
}

func applyTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial { return applying(w.importOf(models.ImportUsers, ""), storetest.Name("u")) })
}

func applyAudienceTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		a, err := w.s.CreateAudience(w.t.Context(), models.Audience{Name: storetest.Name("list"), Kind: models.AudienceList}, nil, models.AuditRecord{})
		require.NoError(w.t, err)
		return applying(w.importOf(models.ImportAudience, a.ID), storetest.Name("u"))
	})
}

func applyCodesTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		batch := w.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 2})
		w.more = append(w.more, batch.ID)
		name := storetest.Name("C")
		slice := store.ImportSlice{
			ImportID: w.importOf(models.ImportCodes, batch.ID).ID, Columns: []string{"code"}, First: 2, After: "d", Bytes: 9, Last: true,
			Rows: [][]string{{name}, {name}, {name + "-2"}, {name + "-3"}},
		}
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				done, err := s.ApplyRows(ctx, slice)
				return fmt.Sprint(done.State, done.NextRow, done.Applied, done.Faults), err
			},
			look: lookAt("SELECT c.coded, c.remaining, c.ledger_seq, f.file_row, f.code, (SELECT COUNT(*) FROM codes k WHERE k.batch_id = c.batch_id) "+
				"FROM batch_counters c JOIN import_faults f WHERE c.batch_id = ? AND f.import_id = ?", batch.ID, slice.ImportID),
		}
	})
}

func cancelImportTrials(w *world, n int) []trial {
	return trialsOf(n, func(int) trial {
		imp := w.importOf(models.ImportUsers, "")
		return trial{
			run: func(ctx context.Context, s *store.Store) (string, error) {
				done, err := s.CancelImport(ctx, imp.ID, models.AuditRecord{})
				return string(done.State), err
			},
			look: lookAt("SELECT state FROM imports WHERE id = ?", imp.ID),
		}
	})
}
