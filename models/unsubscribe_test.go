package models_test

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tearoff/tearoff/models"
)

func TestUnsubscribeConfiguration(t *testing.T) {
	t.Parallel()
	const address = "https://api.shop.example/v1/unsubscribe"
	secret := strings.Repeat("s", 32)
	for _, fine := range []models.Unsubscribe{{}, {URL: address, Secret: secret}} {
		assert.NoError(t, fine.Check())
	}
	for _, bad := range []models.Unsubscribe{{URL: address}, {Secret: secret}, {URL: address, Secret: secret[1:]}, {URL: "api.shop.example", Secret: secret}} {
		err := bad.Check()
		if assert.Error(t, err) && bad.Secret != "" {
			assert.NotContains(t, err.Error(), bad.Secret)
		}
	}
}

func TestUnsubscribeLinks(t *testing.T) {
	t.Parallel()
	u := models.Unsubscribe{URL: "https://api.shop.example/v1/unsubscribe/", Secret: "s"}
	link := u.Link("usr_1", models.ViaSMS)
	userID, channel, ok := u.Read(path.Base(link))
	assert.Equal(t, "usr_1 sms true", userID+" "+string(channel)+" "+map[bool]string{true: "true", false: "false"}[ok])
	assert.Equal(t, "https://api.shop.example/v1/unsubscribe/"+path.Base(link), link)
	assert.Empty(t, models.Unsubscribe{Secret: "s"}.Link("usr_1", models.ViaSMS), "no address")
	assert.Empty(t, models.Unsubscribe{URL: "https://x"}.Link("usr_1", models.ViaSMS), "no secret")
	for name, token := range map[string]string{
		"empty": "", "no base64": "%%%", "short": "AAAA", "of another secret": path.Base(models.Unsubscribe{URL: "x", Secret: "t"}.Link("usr_1", models.ViaSMS)),
	} {
		_, _, ok := u.Read(token)
		assert.False(t, ok, name)
	}
	_, _, ok = models.Unsubscribe{}.Read(path.Base(models.Unsubscribe{URL: "x"}.Link("usr_1", models.ViaSMS)))
	assert.False(t, ok, "nothing is read without a secret")
}
