package bench

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func someReport() *report {
	claim := result{rate: 5000.1234, p50: 12345 * time.Microsecond, p99: 20 * time.Millisecond, errors: tally{}}
	return &report{compared: []compared{
		{"claim", claim, []baseline{
			{"one_row", result{rate: 1000}}, {"slots16", result{rate: 2500, p50: time.Millisecond, p99: 2 * time.Millisecond}},
		}},
		{"quote", result{errors: tally{"status 500": 2}}, []baseline{{"static", result{}}}},
	}}
}

func TestReportAsJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	path := filepath.Join(t.TempDir(), "figures.json")
	require.NoError(t, someReport().finish(Options{Out: &out, JSON: path}))
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"scenarios": [
			{"name": "claim", "rate": 5000.123, "p50_ms": 12.345, "p99_ms": 20, "errors": 0, "baseline": "one_row", "baseline_rate": 1000, "ratio": 5},
			{"name": "quote", "rate": 0, "p50_ms": 0, "p99_ms": 0, "errors": 2, "baseline": "static", "baseline_rate": 0, "ratio": 0}
		],
		"others": [{"scenario": "claim", "name": "slots16", "rate": 2500, "p50_ms": 1, "p99_ms": 2, "ratio": 2}]
	}`, string(raw))

	var parsed struct {
		Scenarios []map[string]any `json:"scenarios"`
	}
	require.NoError(t, json.Unmarshal(raw, &parsed))
	require.Equal(t, []string{"baseline", "baseline_rate", "errors", "name", "p50_ms", "p99_ms", "rate", "ratio"},
		slices.Sorted(maps.Keys(parsed.Scenarios[0])))
}

func TestReportAsTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := someReport()
	r.blame("quote", r.compared[1].ours)
	require.ErrorIs(t, r.finish(Options{Out: &out}), ErrErrors)
	var lines [][]string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Fields(line))
	}
	require.Equal(t, [][]string{
		{"scenario", "baseline", "rate/s", "p50", "ms", "p99", "ms", "errors", "ratio"},
		{"claim", "5000", "12.3", "20.0", "0"},
		{"one_row", "1000", "0.0", "0.0", "0", "5.00"},
		{"slots16", "2500", "1.0", "2.0", "0", "2.00"},
		{"quote", "0", "0.0", "0.0", "2"},
		{"static", "0", "0.0", "0.0", "0", "0.00"},
		{"error:", "quote:", "2", "×", "status", "500"},
	}, lines)
}

func TestPictureIsXML(t *testing.T) {
	t.Parallel()
	p := &picture{title: "a < b & c", workers: []int{1, 2, 4}, lines: []line{
		{"ours", []float64{100, 200, 6300}}, {"<one row>", []float64{90, 80, 70}}, {"slots", []float64{0, 0, 70}},
	}}
	decoder := xml.NewDecoder(bytes.NewReader(p.svg()))
	var texts []string
	elements := map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			elements[token.Name.Local]++
		case xml.CharData:
			texts = append(texts, string(token))
		}
	}
	require.Equal(t, 3, elements["polyline"])
	require.Equal(t, 9, elements["circle"])
	require.Contains(t, texts, "a < b & c")
	require.Contains(t, texts, "<one row>")
	require.Contains(t, texts, "<one row>, 4 at a time: 70/s")
	require.Contains(t, texts, "7000/s", "a mark not below any rate")
}

func TestPictureNamesDoNotOverlap(t *testing.T) {
	t.Parallel()
	p := &picture{workers: []int{1, 2}, lines: []line{
		{"a", []float64{0, 50}}, {"b", []float64{0, 50}}, {"c", []float64{0, 51}}, {"d", []float64{0, 1000}},
	}}
	_, top := p.scale()
	heights := p.labels(top)
	slices.Sort(heights)
	for i := 1; i < len(heights); i++ {
		require.GreaterOrEqual(t, heights[i]-heights[i-1], labelHeight-0.5)
	}
}
