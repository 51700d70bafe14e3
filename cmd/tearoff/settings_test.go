package main

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// variables are those of the flags of a struct.
func variables(flags any) []string {
	var all []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(flags)) {
		if name := f.Tag.Get("env"); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// TestREADMEHasEveryVariable: what can be set is in the table of settings, by its name or behind the one before: `…_KEY`.
func TestREADMEHasEveryVariable(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`(?:TEAROFF|…)((?:_[A-Z]+)+)`").FindAllStringSubmatch(string(raw), -1) {
		named[m[1]] = true
	}
	app, err := kong.New(&cli{})
	require.NoError(t, err)
	for _, command := range app.Model.Children {
		for _, flag := range command.Flags {
			for _, name := range flag.Envs {
				assert.True(t, has(named, strings.TrimPrefix(name, "TEAROFF")), "%s of %s", name, command.Name)
			}
		}
	}
}

// has finds _A_B_C as itself, or as …_B_C or …_C.
func has(named map[string]bool, suffix string) bool {
	for s := suffix; s != ""; {
		if named[s] {
			return true
		}
		next := strings.Index(s[1:], "_")
		if next < 0 {
			return false
		}
		s = s[1+next:]
	}
	return false
}

// TestComposePassesSettings: what is set in .env reaches the processes that compose starts.
func TestComposePassesSettings(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	for _, name := range append(append(variables(messageFlags{}), variables(webhookFlags{})...), append(variables(paymentFlags{}), "TEAROFF_TRUSTED_PROXIES")...) {
		assert.Contains(t, string(raw), "    "+name+": ${"+name+":-", name)
	}
}

// TestComposeDefaults: what compose passes when nothing is set is understood, and means nothing is set.
func TestComposeDefaults(t *testing.T) {
	raw, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`(?m)^ +(TEAROFF_[A-Z_]+): (.*)$`).FindAllStringSubmatch(string(raw), -1) {
		value := regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`).ReplaceAllString(m[2], "$1")
		t.Setenv(m[1], value)
	}
	var c cli
	app, err := kong.New(&c)
	require.NoError(t, err)
	for _, command := range []string{"api", "worker"} {
		_, err = app.Parse([]string{command})
		require.NoError(t, err)
	}
	assert.Empty(t, c.API.TrustedProxies)
	assert.Empty(t, c.Worker.SMSSecret)
	assert.Zero(t, c.Worker.MailRate)
	assert.False(t, c.Worker.AllowPrivate || c.Worker.MessagePrivate)
	_, err = c.API.unsubscribe()
	require.NoError(t, err)
}
