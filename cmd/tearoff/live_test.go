package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/store"
	"github.com/tearoff/tearoff/store/storetest"
)

// live is a Tearoff that runs, as a process, on a database of its own.
type live struct {
	storetest.Fixture
	t     *testing.T
	flags []string // of commands that ask it
}

func startLive(t *testing.T) live {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())
	dsn := storetest.EmptyDSN(t)
	s := storetest.Open(t, store.Options{MySQL: dsn})
	require.NoError(t, s.MigrateUp(t.Context()))
	_, secret, err := s.CreateKey(t.Context(), models.APIKey{Name: "live", Role: models.RoleAdmin})
	require.NoError(t, err)
	child, err := devserver.StartChild(t.Context(), devserver.ChildOptions{
		Bin: self, Log: io.Discard, Env: append(os.Environ(), asTearoff+"=1"), Args: []string{
			"serve", "--addr", addr, "--mysql", dsn, "--temporal", temporaltest.Addr(t), "--namespace", temporaltest.Namespace(t), "--no-audits",
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, child.Stop()) })
	url := "http://" + addr
	require.Eventually(t, func() bool {
		answer, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
	return live{storetest.New(t, s), t, []string{"--api", url, "--key", secret}}
}

func (l live) tearoff(args ...string) result {
	return tearoff(append(args, l.flags...)...)
}

// file writes lines and returns the path.
func (l live) file(lines ...string) string {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), "rows.csv")
	require.NoError(l.t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

func rowsOf(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	return rows
}

// What operators do from a shell: users and a list from files, a coupon for each of the list, codes made, imported and exported.
func TestCommandsOnALiveTearoff(t *testing.T) {
	t.Parallel()
	l := startLive(t)
	t.Run("import and distribute", l.testDistribute)
	t.Run("make and export codes", l.testCodes)
	t.Run("import codes", l.testImportCodes)
	t.Run("what fails says why", l.testFaults)
}

func (l live) testDistribute(t *testing.T) {
	lines := []string{"id,email"}
	for i := range 700 {
		lines = append(lines, fmt.Sprintf("u-%d,u%d@example.com", i, i))
	}
	out := l.tearoff("import", "users", l.file(lines...)).answered(t)
	require.Contains(t, out, "DONE: 700 rows applied, 0 faults")
	list, err := l.Store.CreateAudience(t.Context(), models.Audience{MerchantID: "m1", Name: "all", Kind: models.AudienceList}, nil, models.AuditRecord{})
	require.NoError(t, err)
	out = l.tearoff("import", "audience", l.file(append(lines, "nobody,")...), "--target", list.ID, "--known-only").answered(t)
	require.Contains(t, out, "DONE: 700 rows applied, 1 faults")

	batch := l.Batch(storetest.BatchSpec{Quantity: 650, ClaimsPerUser: 1})
	args := []string{"distribute", "--batch", batch.ID, "--audience", list.ID, "--reason", "test"}
	require.Contains(t, l.tearoff(append(args, "--dry-run")...).answered(t), "DONE: 650 would get a coupon, 51 skipped, 0 failed")
	out = l.tearoff(append(args, "--idempotency-key", "k")...).answered(t)
	require.Contains(t, out, "DONE: 650 coupons, 51 skipped, 0 failed")
	require.Contains(t, out, "50 sold_out")
	require.Contains(t, out, "1 unknown_user")
	id := regexp.MustCompile(`dst_\w+`).FindString(out)
	again := l.tearoff(append(args, "--idempotency-key", "k")...).answered(t)
	require.Contains(t, again, id, "the same key gives nothing out again")
	require.Contains(t, l.tearoff("distribute", "--follow", id).answered(t), "650 coupons")
	l.AuditClean(batch.ID)
}

func (l live) testCodes(t *testing.T) {
	batch := l.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 3_000})
	path := filepath.Join(t.TempDir(), "codes.csv")
	out := l.tearoff("codes", "generate", "--batch", batch.ID, "--count", "2500", "--label", "radio", "--reason", "test", "--out", path).answered(t)
	require.Contains(t, out, "DONE: 2500 of 2500 codes")
	require.Contains(t, out, "2500 codes in "+path)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	rows := rowsOf(t, string(raw))
	require.Len(t, rows, 2_501)
	code, err := l.Store.FindCode(t.Context(), rows[1][0])
	require.NoError(t, err)
	require.Equal(t, []string{batch.ID, "radio"}, []string{code.BatchID, code.Label})

	job := regexp.MustCompile(`cjb_\w+`).FindString(out)
	require.Contains(t, l.tearoff("codes", "generate", "--follow", job).answered(t), "DONE: 2500 of 2500 codes")
	out = l.tearoff("codes", "export", "--batch", batch.ID, "--label", "radio", "--unused", "--out", "-").answered(t)
	require.Equal(t, string(raw), out)
	require.Len(t, rowsOf(t, l.tearoff("codes", "export", "--batch", batch.ID, "--label", "none", "--out", "-").answered(t)), 1)
	l.AuditClean(batch.ID)
}

func (l live) testImportCodes(t *testing.T) {
	batch := l.Batch(storetest.BatchSpec{Codes: models.CodesShared})
	path := l.file("code,max_uses,label", "PARTNER-1,7,radio", "PARTNER-2,,radio", "PARTNER-1,,radio", "PARTNER-3,-1,radio")
	out := l.tearoff("import", "codes", path, "--batch", batch.ID).answered(t)
	require.Contains(t, out, "DONE: 2 rows applied, 2 faults")
	id := regexp.MustCompile(`imp_\w+`).FindString(out)
	require.Contains(t, l.tearoff("import", "codes", path, "--resume", id).answered(t), "DONE: 2 rows applied, 2 faults", "the same file again changes nothing")
	rows := rowsOf(t, l.tearoff("codes", "export", "--batch", batch.ID, "--out", "-").answered(t))
	require.Equal(t, [][]string{{"PARTNER-1", "radio", "0", "7"}, {"PARTNER-2", "radio", "0", ""}}, [][]string{rows[1][:4], rows[2][:4]})
}

func (l live) testFaults(t *testing.T) {
	batch := l.Batch(storetest.BatchSpec{Codes: models.CodesSingle, Quantity: 10})
	generate := []string{"codes", "generate", "--batch", batch.ID, "--reason", "test", "--count"}
	require.Contains(t, l.tearoff(append(generate, "11")...).failed(t), "sold_out")
	require.Contains(t, l.tearoff(append(generate, "1", "--out", "x.csv")...).failed(t), "--label")
	require.Contains(t, l.tearoff("codes", "generate", "--count", "1").failed(t), "--batch")
	require.Contains(t, l.tearoff("codes", "generate", "--follow", "cjb_none").failed(t), "404")
	path := filepath.Join(t.TempDir(), "codes.csv")
	require.Contains(t, l.tearoff("codes", "export", "--batch", "bat_none", "--out", path).failed(t), "404")
	require.NoFileExists(t, path)
	require.NoFileExists(t, path+".part")
	require.Contains(t, l.tearoff("import", "codes", l.file("id", "1"), "--batch", batch.ID).failed(t), "invalid_file")
	require.Contains(t, l.tearoff("distribute", "--batch", batch.ID).failed(t), "--audience")
	nobody := tearoff("codes", "generate", "--follow", "cjb_none", "--api", "http://127.0.0.1:1", "--key", "k")
	require.Contains(t, nobody.failed(t), "can't be reached")
}
