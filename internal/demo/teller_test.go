package demo

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTellerOfAGoodDay(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	told := newTeller(&out, false)
	sc := told.scene("A claim")
	sc.tell("%s claims", "Ada")
	check(sc, "coupons", 1, 1)
	sc.link("http://ui/workflows/redemption%2Frdm_1")
	sc.link("")
	sc.ends(nil)
	require.NoError(t, told.verdict())
	text := out.String()
	assert.Contains(t, text, " 1 A claim\n   · Ada claims\n   ✓ coupons: 1\n   → http://ui/workflows/redemption%2Frdm_1\n")
	assert.Contains(t, text, "1 checks")
	assert.Contains(t, text, "All 1 outcomes are as expected")
	assert.NotContains(t, text, "\x1b[", "it is not a terminal")
}

func TestTellerOfABadDay(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	told := newTeller(&out, true)
	sc := told.scene("A claim")
	check(sc, "coupons", 1, 2)
	check(sc, "left", 0, 0)
	sc.ends(nil)
	broken := told.scene("A quote")
	broken.ends(errors.New("no answer\nat all"))
	require.ErrorIs(t, told.verdict(), ErrDiffers)
	text := out.String()
	assert.Contains(t, text, "coupons: 2, expected 1")
	assert.Contains(t, text, "1 of 2 differ")
	assert.Contains(t, text, "broken off: no answer\n     at all")
	assert.Contains(t, text, "1 of 1 differ")
	assert.Contains(t, text, "\x1b[31m✗\x1b[0m")
}

func TestTellerOfNothing(t *testing.T) {
	t.Parallel()
	assert.ErrorIs(t, newTeller(&bytes.Buffer{}, false).verdict(), ErrDiffers, "a story without a check shows nothing")
}

func TestPaints(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	device, err := os.Open(os.DevNull) // a character device, as a terminal is
	require.NoError(t, err)
	defer device.Close()
	env := func(set map[string]string) func(string) string { return func(name string) string { return set[name] } }
	assert.False(t, paints(file, env(nil)))
	assert.True(t, paints(device, env(map[string]string{"TERM": "xterm"})))
	assert.False(t, paints(device, env(map[string]string{"NO_COLOR": "1"})))
	assert.False(t, paints(device, env(map[string]string{"TERM": "dumb"})))
}
