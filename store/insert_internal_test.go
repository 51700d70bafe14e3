package store

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm/schema"
)

// A field that a model gets must not be left out where its rows are written in bulk.
func TestInsertTables(t *testing.T) {
	t.Parallel()
	sameColumns(t, couponTable)
	sameColumns(t, entryTable)
	sameColumns(t, limitTable)
	sameColumns(t, codeTable)
	sameColumns(t, memberTable)
	sameColumns(t, reminderTable)
	sameColumns(t, skipTable)
	sameColumns(t, codeTable)
	sameColumns(t, messageTable)
}

func sameColumns[T any](t *testing.T, into table[T]) {
	t.Helper()
	parsed, err := schema.Parse(new(T), &sync.Map{}, schema.NamingStrategy{})
	require.NoError(t, err)
	assert.Equal(t, parsed.Table, into.name)
	columns := slices.Clone(into.columns)
	for i := range columns {
		columns[i] = strings.Trim(columns[i], "`")
	}
	assert.ElementsMatch(t, parsed.DBNames, columns)
	row := new(T)
	assert.Len(t, into.values(nil, row), len(columns))
}
