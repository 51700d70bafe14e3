package models_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
)

func TestIdentitiesOfAReference(t *testing.T) {
	t.Parallel()
	got, err := models.UserRef{ID: " u-1 ", Email: "Ann@Example.com", Phone: "+49 (151) 123-45"}.Identities()
	require.NoError(t, err)
	assert.Equal(t, []models.Identity{
		{Kind: models.IdentityID, Value: "u-1"}, {Kind: models.IdentityEmail, Value: "ann@example.com"}, {Kind: models.IdentityPhone, Value: "+4915112345"},
	}, got)
	for _, good := range []string{"a@localhost", "ünï@bücher.example", "a+b@x.example"} {
		_, err := models.UserRef{Email: good}.Identities()
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"no address", "@", "a@", "@b", "a@b@c", "Ann <a@b>", "a@b, c@d", "a@" + strings.Repeat("b", 300)} {
		_, err := models.UserRef{ID: "u-1", Email: bad}.Identities()
		assert.Equal(t, models.CodeInvalidRequest, models.CodeOf(err), bad)
	}
	_, err = models.UserRef{ID: " "}.Identities()
	assert.Equal(t, models.CodeInvalidRequest, models.CodeOf(err))
}
