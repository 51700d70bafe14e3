package api_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/api"
	"github.com/tearoff/tearoff/models"
)

func TestEveryCodeHasAStatus(t *testing.T) {
	t.Parallel()
	statuses := map[models.Class]int{
		models.ClassInternal: 500, models.ClassInvalid: 400, models.ClassUnauthorized: 401, models.ClassForbidden: 403,
		models.ClassNotFound: 404, models.ClassConflict: 409, models.ClassTooLarge: 413, models.ClassRefused: 422,
		models.ClassTooMany: 429, models.ClassUnavailable: 503,
	}
	for _, info := range models.Catalogue() {
		want := statuses[info.Class]
		if info.Code == models.CodeMethodNotAllowed {
			want = 405
		}
		require.Equal(t, want, api.StatusOf(info.Code), info.Code)
		require.Equal(t, info.Class == models.ClassInternal, want == 500, "%s: nothing but our own faults is a 500", info.Code)
		require.NotEmpty(t, info.Meaning, info.Code)
	}
	require.Equal(t, 500, api.StatusOf("never heard of"))
}

func TestErrorDocsAreCurrent(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	require.NoError(t, api.WriteErrorDocs(&want))
	got, err := os.ReadFile("../docs/errors.md")
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got), "run: go generate ./api")
	for _, info := range models.Catalogue() {
		require.Contains(t, string(got), "| `"+string(info.Code)+"` |")
	}
}
