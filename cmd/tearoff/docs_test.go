package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tearoff/tearoff/models"
	"github.com/tearoff/tearoff/rules"
)

// page is docs/rules.md with what can be run on it.
type page struct {
	text  string
	files map[string]string // the examples, by name
}

// block is a fenced block after a paragraph, whose last file name is the block's.
var (
	block    = regexp.MustCompile("(?s)([^\n]*)\n\n```json\n(.*?)\n```")
	fileName = regexp.MustCompile("`([a-z0-9-]+\\.json)`")
	console  = regexp.MustCompile("(?s)```console\n\\$ tearoff ([^\n]*)\n(.*?)```")
)

func readPage(t *testing.T) page {
	t.Helper()
	raw, err := os.ReadFile("../../docs/rules.md")
	require.NoError(t, err)
	p := page{text: string(raw), files: map[string]string{}}
	for _, m := range block.FindAllStringSubmatch(p.text, -1) {
		names := fileName.FindAllStringSubmatch(m[1], -1)
		require.Len(t, names, 1, "the line above a block names its file: %s", m[2])
		name := names[0][1]
		require.NotContains(t, p.files, name, "two files of one name")
		p.files[name] = m[2]
	}
	require.Len(t, p.files, strings.Count(p.text, "```json"))
	return p
}

// write writes the examples to a folder.
func (p page) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range p.files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// TestPageExamples runs every command of the page and expects what the page says.
func TestPageExamples(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	dir := p.write(t)
	used := map[string]bool{}
	runs := console.FindAllStringSubmatch(p.text, -1)
	require.Len(t, runs, strings.Count(p.text, "```console"))
	for _, m := range runs {
		args := strings.Fields(m[1])
		for i, arg := range args {
			if _, ok := p.files[arg]; ok {
				used[arg], args[i] = true, filepath.Join(dir, arg)
			}
		}
		t.Run(m[1], func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			require.Zero(t, run(args, &stdout, &stderr), stderr.String())
			require.Equal(t, m[2], stdout.String())
		})
	}
	for name := range p.files {
		require.True(t, used[name], "%s is in no example", name)
	}
}

// TestPageKinds makes sure that the page has an example of every kind that a rule can have.
func TestPageKinds(t *testing.T) {
	t.Parallel()
	p := readPage(t)
	_, err := rules.Parse([]byte(`{}`))
	var refused *models.Error
	require.ErrorAs(t, err, &refused)
	_, kinds, found := strings.Cut(strings.Join(refused.Params["errors"].([]string), "\n"), "kind: must be one of ")
	require.True(t, found)
	for kind := range strings.SplitSeq(kinds, ", ") {
		require.Contains(t, p.text, "\n### "+kind+"\n")
		require.True(t, slices.ContainsFunc(slices.Collect(maps.Values(p.files)), func(text string) bool {
			r, err := rules.Parse([]byte(text))
			return err == nil && string(r.Kind) == kind
		}), "no example of %s", kind)
	}
}

func TestPageExpressions(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(readPage(t).text, "```cel\n")
	list, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	for expression := range strings.Lines(list) {
		raw := fmt.Sprintf(`{"kind":"free_shipping","free_shipping":{},"conditions":{"expression":%q}}`, strings.TrimSpace(expression))
		_, err := rules.Parse([]byte(raw))
		require.NoError(t, err, expression)
	}
}

// TestPageReasons keeps the table of reasons to codes that exist, and to all that a coupon can be refused for.
func TestPageReasons(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(readPage(t).text, "## Reasons\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	listed := map[models.Code]bool{}
	for row := range strings.Lines(section) {
		if cells := strings.Split(row, "|"); len(cells) > 2 && strings.Contains(cells[1], "`") {
			for word := range strings.SplitSeq(cells[1], ", ") {
				listed[models.Code(strings.Trim(word, "` "))] = true
			}
		}
	}
	all := models.Catalogue()
	for code := range listed {
		require.Equal(t, code, models.InfoOf(code).Code)
		require.NotEmpty(t, models.InfoOf(code).Meaning, code)
	}
	from := slices.IndexFunc(all, func(i models.CodeInfo) bool { return i.Code == models.CodeBatchNotActive })
	until := slices.IndexFunc(all, func(i models.CodeInfo) bool { return i.Code == models.CodeDuplicateCoupon })
	for _, info := range all[from : until+1] {
		if info.Code == models.CodeUserBlocked || info.Code == models.CodeTaken { // no reasons of a quote
			continue
		}
		require.True(t, listed[info.Code], "%s is not on the page", info.Code)
	}
}

func TestPageBounds(t *testing.T) {
	t.Parallel()
	text := readPage(t).text
	for what, most := range map[string]int64{
		"coupons used together": rules.MaxCoupons,
		"stackable coupons that apply, for a combination that is surely the best": rules.ExactCoupons,
		"lines of a cart":                        models.MaxCartLines,
		"deliveries of a cart":                   models.MaxDeliveries,
		"units of a line":                        models.MaxLineQuantity,
		"any amount, in minor units":             models.MaxAmount,
		"ids in one list of a selector":          rules.MaxSelectorIDs,
		"bytes of an id, tag or group in a rule": rules.MaxIDLength,
	} {
		require.Contains(t, text, fmt.Sprintf("| %s | %d |", what, most))
	}
}

// TestPageLinks follows the links within the page and to its neighbours.
func TestPageLinks(t *testing.T) {
	t.Parallel()
	text := readPage(t).text
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(text, -1) {
		switch target := m[1]; {
		case strings.HasPrefix(target, "#"):
			heading := strings.ReplaceAll(strings.TrimPrefix(target, "#"), "-", " ")
			require.Regexp(t, `(?i)\n##+ `+heading+`\n`, text)
		case !strings.HasPrefix(target, "https://"):
			require.FileExists(t, filepath.Join("..", "..", "docs", target))
		}
	}
}
