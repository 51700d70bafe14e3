package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/temporaltest"
	"github.com/tearoff/tearoff/store/storetest"
)

// asTearoff makes this test binary be tearoff, for commands that start others.
const asTearoff = "TEST_AS_TEAROFF"

func TestMain(m *testing.M) {
	if os.Getenv(asTearoff) != "" {
		main()
	}
	code := storetest.Main(m)
	if err := temporaltest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

func tearoff(args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(args, &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// answered expects success without complaints and returns what was printed.
func (r result) answered(t *testing.T) string {
	t.Helper()
	require.Zero(t, r.code, r.stderr)
	require.Empty(t, r.stderr)
	return r.stdout
}

// failed expects exit code 1 and returns what was said about it.
func (r result) failed(t *testing.T) string {
	t.Helper()
	require.Equal(t, 1, r.code, r.stdout)
	return r.stderr
}
