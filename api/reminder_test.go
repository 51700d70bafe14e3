package api_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// asJSON is what the API makes of it.
func asJSON(t *testing.T, of doc) (out map[string]any) {
	t.Helper()
	raw, err := json.Marshal(of)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func (b *bundle) template(s *store.Store, merchant string, kind models.MessageKind) string {
	b.t.Helper()
	t, err := s.CreateTemplate(b.t.Context(), models.Template{
		MerchantID: merchant, Name: "t", Kind: kind, Channels: []models.Channel{models.ViaInbox}, Locale: "en",
		Texts: map[string]models.Text{"en": {Subject: "s", Body: "b"}},
	}, models.AuditRecord{Action: "template.create"})
	require.NoError(b.t, err)
	return t.ID
}

// Reminders are set with a batch or afterwards, as a whole, and read back as they were written.
func TestRemindersAreSet(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := setup(t, s)
		template := b.template(s, "m1", models.MessageReminder)
		first := doc{"active_within_days": 90, "reminders": []doc{{"days_before": 7, "at": "09:00", "channels": []string{"email", "inbox"}}}}
		made := b.admin("POST", "/batches", doc{
			"merchant_id": "m1", "rule_id": b.ruled("m1", amountOff(500)), "name": "b", "currency": "USD", "valid_seconds": 5, "notices": first,
		}).ok(201)
		require.Equal(t, fmt.Sprint(asJSON(t, first)), fmt.Sprint(made["notices"]))
		path := "/batches/" + made.text("id") + "/reminders"
		second := doc{"reason": "louder", "reminders": []doc{
			{"days_before": 0, "at": "00:00", "late_hours": 24, "template_id": template}, {"days_before": 90, "at": "23:59"},
		}}
		set := b.admin("PUT", path, second).ok(200)
		delete(second, "reason")
		require.Equal(t, fmt.Sprint(asJSON(t, second)), fmt.Sprint(set["notices"]))
		require.Equal(t, set, b.admin("GET", "/batches/"+made.text("id"), nil).ok(200))
		again := doc{"reason": "once more", "reminders": second["reminders"]}
		require.Equal(t, set, b.admin("PUT", path, again).ok(200), "again changes nothing")
		log := b.admin("GET", "/audit-log?subject="+made.text("id"), nil).ok(200)
		require.Len(t, log.items(), 1)
		require.Equal(t, []any{"batch.reminders", "louder"}, []any{log.at("items", 0, "action"), log.at("items", 0, "reason")})
		none := b.admin("PUT", path, doc{"reason": "quiet"}).ok(200)
		require.NotContains(t, none, "notices")
		require.Empty(t, b.admin("GET", path, nil).ok(200).items())
	})
}

// Everything that is wrong with reminders is told at once, by its path; nothing of them is kept.
func TestRemindersRefused(t *testing.T) {
	t.Parallel()
	s := storetest.SQLite(t)
	b := setup(t, s)
	batch := storetest.New(t, s).Batch(storetest.BatchSpec{})
	others, issued := b.template(s, "m2", models.MessageReminder), b.template(s, "m1", models.MessageIssued)
	path := "/batches/" + batch.ID + "/reminders"
	p := b.admin("PUT", path, doc{"reason": "r", "reminders": []doc{
		{"days_before": 1, "at": "09:00"}, {"days_before": 1, "at": "10:00"}, {"days_before": 2, "at": "09:00", "template_id": others},
		{"days_before": 3, "at": "09:00", "template_id": issued}, {"days_before": 4, "at": "09:00", "template_id": "nobody"},
	}}).problem(400, models.CodeInvalidRequest)
	for i, want := range []string{"reminders[1].days_before", "reminders[2].template_id", "reminders[3].template_id", "reminders[4].template_id"} {
		require.Equal(t, "body."+want, p.at("errors", i, "path"))
	}
	for _, bad := range []doc{
		{"days_before": -1, "at": "09:00"}, {"days_before": 91, "at": "09:00"}, {"days_before": 1, "at": "9:00"}, {"days_before": 1, "at": "24:00"},
		{"days_before": 1}, {"at": "09:00"}, {"days_before": 1, "at": "09:00", "late_hours": 25}, {"days_before": 1, "at": "09:00", "channels": []string{"pigeon"}},
		{"days_before": 1, "at": "09:00", "since": "2026-01-01T00:00:00Z"},
	} {
		b.admin("PUT", path, doc{"reason": "r", "reminders": []doc{bad}}).problem(400, models.CodeInvalidRequest)
	}
	at := func(days int) doc { return doc{"days_before": days, "at": "09:00"} }
	b.admin("PUT", path, doc{"reason": "r", "reminders": []doc{at(1), at(2), at(3), at(4), at(5), at(6)}}).problem(400, models.CodeInvalidRequest)
	b.admin("PUT", path, doc{"reminders": []doc{at(1)}}).problem(400, models.CodeInvalidRequest)
	p = b.admin("POST", "/batches", doc{
		"rule_id": b.ruled("", amountOff(5)), "name": "b", "currency": "USD", "valid_seconds": 5, "notices": doc{"reminders": []doc{at(1), at(1)}},
	}).problem(422, models.CodeInvalidBatch)
	require.Contains(t, fmt.Sprint(p["params"]), "notices.reminders[1].days_before")
	row, err := s.Batch(t.Context(), batch.ID)
	require.NoError(t, err)
	require.True(t, row.Notices.IsZero())
	b.admin("PUT", "/batches/bat_nobody/reminders", doc{"reason": "r"}).problem(404, models.CodeNotFound)
	b.admin("GET", path+"?cursor=abc", nil).problem(400, models.CodeInvalidCursor)
}

// The days are listed newest first, page by page.
func TestRemindersListed(t *testing.T) {
	t.Parallel()
	file := storetest.SQLiteFile(t)
	s := storetest.Open(t, store.Options{SQLite: file})
	raw, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	defer raw.Close()
	b := setup(t, s)
	batch := storetest.New(t, s).Batch(storetest.BatchSpec{})
	for day := 1; day <= 5; day++ {
		_, err := raw.ExecContext(t.Context(), "INSERT INTO reminder_runs (batch_id, day, seq, days_before, after_id, through, told, missed, wake, due_at, "+
			"done_at, created_at, updated_at) VALUES (?, ?, 1, 1, '', 0, ?, 0, 0, ?, ?, ?, ?)",
			batch.ID, fmt.Sprintf("2026-05-0%d", day), day, batch.CreatedAt, batch.CreatedAt, batch.CreatedAt, batch.CreatedAt)
		require.NoError(t, err)
	}
	days, cursor := []any{}, ""
	for {
		page := b.admin("GET", "/batches/"+batch.ID+"/reminders?limit=2&cursor="+cursor, nil).ok(200)
		for i := range page.items() {
			days = append(days, page.at("items", i, "day"), page.at("items", i, "told"))
		}
		next, more := page["next_cursor"].(string)
		if cursor = next; !more {
			break
		}
	}
	require.Equal(t, []any{"2026-05-05", 5., "2026-05-04", 4., "2026-05-03", 3., "2026-05-02", 2., "2026-05-01", 1.}, days)
}
