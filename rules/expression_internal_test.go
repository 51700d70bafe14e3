package rules

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExpressionsAtOnce checks conditions at once in a new environment, one of them with a fault: for the race detector.
func TestExpressionsAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		env, err := newExpressionEnv()
		require.NoError(t, err)
		var all sync.WaitGroup
		for source, sound := range map[string]bool{"nobody == 1": false, "lines.all(l, l.quantity > 0)": true, "lines.exists(l, l.quantity > 1)": true} {
			all.Go(func() {
				_, issues := env.Compile(source)
				assert.Equal(t, sound, issues.Err() == nil, source)
			})
		}
		all.Wait()
	}
}
