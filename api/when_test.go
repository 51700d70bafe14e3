package api_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store/storetest"
)

// zoned makes a draft with codes whose days are those of the zone.
func (b *bundle) zoned(zone string) string {
	b.t.Helper()
	return b.admin("POST", "/batches", doc{
		"rule_id": b.ruled("", amountOff(5)), "name": "b", "currency": "USD", "valid_seconds": 5, "codes": "shared", "time_zone": zone,
	}).ok(201).text("id")
}

func TestDaysOfBatches(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	got := b.admin("POST", "/batches", doc{
		"rule_id": b.ruled("", amountOff(5)), "name": "b", "currency": "USD", "time_zone": "Europe/Berlin",
		"claim_from": "2030-03-31", "claim_until": "2030-03-31", "valid_from": "2030-03-31T00:00:00+05:30", "valid_until": "2030-10-27",
	}).ok(201)
	for field, want := range map[string]string{
		"claim_from": "2030-03-30T23:00:00Z", "claim_until": "2030-03-31T22:00:00Z", // a day of 23 hours
		"valid_from": "2030-03-30T18:30:00Z", "valid_until": "2030-10-27T23:00:00Z",
	} {
		require.Equal(t, want, got[field], field)
	}
}

func TestDaysThatClocksSkipOrRepeat(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for _, tt := range []struct{ zone, day, from, until, why string }{
		{"UTC", "2030-02-28", "2030-02-28T00:00:00Z", "2030-03-01T00:00:00Z", "plain"},
		{"Asia/Kathmandu", "2030-02-28", "2030-02-27T18:15:00Z", "2030-02-28T18:15:00Z", "an odd offset"},
		{"Pacific/Kiritimati", "2030-01-01", "2029-12-31T10:00:00Z", "2030-01-01T10:00:00Z", "first on earth"},
		{"Pacific/Pago_Pago", "2030-01-01", "2030-01-01T11:00:00Z", "2030-01-02T11:00:00Z", "last on earth"},
		{"America/New_York", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z", "25 hours"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "begins at 01:00"},
		{"America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", "before a day without midnight"},
		{"America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z", "its last hour twice"},
		{"Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00Z", "2024-04-26T21:00:00Z", "begins at 01:00"},
		{"Africa/Cairo", "2024-10-31", "2024-10-30T21:00:00Z", "2024-10-31T22:00:00Z", "its last hour twice"},
		{"Asia/Beirut", "2024-03-31", "2024-03-30T22:00:00Z", "2024-03-31T21:00:00Z", "begins at 01:00"},
		{"Asia/Beirut", "2024-10-26", "2024-10-25T21:00:00Z", "2024-10-26T22:00:00Z", "its last hour twice"},
		{"America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z", "midnight twice"},
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z", "left again a minute after midnight"},
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "the next day was left out"},
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", "the day before was left out"},
	} {
		code := doc{"code": storetest.Name("c"), "valid_from": tt.day, "valid_until": tt.day}
		got := b.codes(b.zoned(tt.zone), code).ok(201)
		require.Equal(t, tt.from, got.at("items", 0, "valid_from"), "%s %s: %s", tt.zone, tt.day, tt.why)
		require.Equal(t, tt.until, got.at("items", 0, "valid_until"), "%s %s: %s", tt.zone, tt.day, tt.why)
	}
	b.codes(b.zoned("Pacific/Apia"), doc{"code": storetest.Name("c"), "valid_from": "2011-12-30", "valid_until": "2011-12-30"}).
		problem(400, models.CodeInvalidRequest) // a day that never was
}

// Each day begins where the calendar of its zone turns to it, and ends where the next begins.
func TestDaysFollowEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	for _, name := range []string{
		"America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Atlantic/Azores", "Australia/Lord_Howe", "America/Asuncion", "Asia/Tehran",
	} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		batch, codes := b.zoned(name), []doc{}
		for day := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC); len(codes) < 1000; day = day.AddDate(0, 0, 1) {
			date := day.Format(time.DateOnly)
			codes = append(codes, doc{"code": storetest.Name("c"), "label": date, "valid_from": date, "valid_until": date})
		}
		made, before := b.codes(batch, codes...).ok(201), ""
		for i, item := range made.items() {
			code := doc(item.(map[string]any))
			from, err := time.Parse(time.RFC3339, code.text("valid_from"))
			require.NoError(t, err)
			require.Equal(t, code["label"], from.In(zone).Format(time.DateOnly), name)
			require.NotEqual(t, code["label"], from.Add(-1).In(zone).Format(time.DateOnly), "%s: the instant before is of another day", name)
			require.True(t, i == 0 || before == code.text("valid_from"), "%s %s", name, code["label"])
			before = code.text("valid_until")
		}
	}
}

func TestWhenRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, storetest.SQLite(t))
	batch := b.zoned("UTC")
	for _, text := range []string{
		"", " ", "2030", "2030-02-29", "2030-2-1", "30-02-01", "2030-02-01 ", "2030-02-01T00:00:00", "2030-02-01 00:00:00Z", "20300201",
		"2030-02-01T24:00:00Z", "2030-02-01T00:00:00+25:00", "1999-12-31T23:59:59Z", "0000-01-01", "9000-01-02", "9999-12-31", "-1-01-01",
	} {
		p := b.codes(batch, doc{"code": storetest.Name("c"), "valid_from": text}).problem(400, models.CodeInvalidRequest)
		require.Equal(t, "body.codes[0].valid_from", p.at("errors", 0, "path"), text)
		require.NotContains(t, p.at("errors", 0, "message"), "parsing", text)
	}
	b.codes(batch, doc{"code": storetest.Name("c"), "valid_from": 20300101}).problem(400, models.CodeInvalidRequest)
	schema := b.docs.schemas.at("NewBatch", "properties", "claim_from").(map[string]any)
	require.Equal(t, []any{"string", "null"}, schema["type"])
	require.NotEmpty(t, schema["examples"])
	require.Contains(t, schema["description"], "batch's time zone")
}
