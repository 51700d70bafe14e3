package conformance_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/payments/conformance"
)

// TestPageListsTheCases keeps docs/providers.md to what is run.
func TestPageListsTheCases(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docs/providers.md")
	require.NoError(t, err)
	names := map[string]bool{}
	for _, c := range conformance.Cases() {
		require.False(t, names[c.Name], c.Name)
		names[c.Name] = true
		require.Contains(t, string(raw), fmt.Sprintf("| %s | %s | %s |\n", c.Name, c.Demands, c.Needs))
	}
	_, table, found := strings.Cut(string(raw), "| case | it demands | needs |\n|---|---|---|\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	require.Len(t, strings.Split(table, "\n"), len(names))
}
