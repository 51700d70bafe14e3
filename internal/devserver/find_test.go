package devserver_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/internal/devserver"
)

// program makes an empty program in a folder and returns its path.
func program(t *testing.T, folder, name string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o750))
	path := filepath.Join(folder, name)
	require.NoError(t, os.WriteFile(path, nil, 0o700))
	return path
}

func TestFindStripeMock(t *testing.T) {
	path := program(t, t.TempDir(), "my-stripe-mock")
	t.Setenv(devserver.StripeMockBinVariable, path)
	found, err := devserver.FindStripeMock()
	require.NoError(t, err)
	require.Equal(t, path, found)

	t.Setenv(devserver.StripeMockBinVariable, "")
	t.Setenv("PATH", t.TempDir())
	t.Chdir(t.TempDir())
	_, err = devserver.FindStripeMock()
	require.ErrorIs(t, err, devserver.ErrNoStripeMock)
}

// Not parallel: the places to look in are the process's own environment and working directory.
func TestFindTemporal(t *testing.T) {
	empty := t.TempDir()

	t.Run("the environment variable comes first", func(t *testing.T) {
		path := program(t, t.TempDir(), "my-temporal")
		t.Setenv(devserver.TemporalBinVariable, path)
		found, err := devserver.FindTemporal()
		require.NoError(t, err)
		require.Equal(t, path, found)
	})

	t.Run("an environment variable that names nothing is an error", func(t *testing.T) {
		t.Setenv(devserver.TemporalBinVariable, filepath.Join(empty, "none"))
		_, err := devserver.FindTemporal()
		require.ErrorContains(t, err, devserver.TemporalBinVariable)
		require.ErrorIs(t, err, os.ErrNotExist)
	})

	t.Run("then the PATH", func(t *testing.T) {
		folder := t.TempDir()
		path := program(t, folder, "temporal")
		t.Setenv("PATH", folder)
		found, err := devserver.FindTemporal()
		require.NoError(t, err)
		require.Equal(t, path, found)
	})

	t.Run("then .bin above the working directory", func(t *testing.T) {
		root := t.TempDir()
		path := program(t, filepath.Join(root, ".bin"), "temporal")
		inside := filepath.Join(root, "a", "b")
		require.NoError(t, os.MkdirAll(inside, 0o750))
		t.Setenv("PATH", empty)
		t.Chdir(inside)
		found, err := devserver.FindTemporal()
		require.NoError(t, err)
		require.Equal(t, path, found)
	})

	t.Run("else the error says what to do", func(t *testing.T) {
		t.Setenv("PATH", empty)
		t.Chdir(empty)
		_, err := devserver.FindTemporal()
		require.ErrorIs(t, err, devserver.ErrNoTemporal)
		require.ErrorContains(t, err, "make tools")
	})
}
