package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// teller writes the story down and remembers how each step ended.
type teller struct {
	out   io.Writer
	paint bool
	steps []*scene
}

// scene is one step of the story: what it shows, and what came out.
type scene struct {
	*teller
	name     string
	began    time.Time
	took     time.Duration
	checked  int
	differed int
}

func newTeller(out io.Writer, paint bool) *teller { return &teller{out: out, paint: paint} }

// paints reports whether colour does any good: only on a terminal that nobody asked to be plain (https://no-color.org).
func paints(out *os.File, env func(string) string) bool {
	if env("NO_COLOR") != "" || env("TERM") == "dumb" {
		return false
	}
	info, err := out.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colour is an ANSI style. All that may stand in one column of a table have the same length.
type colour string

const (
	bold  colour = "1"
	dim   colour = "2"
	red   colour = "31"
	green colour = "32"
	blue  colour = "34"
)

func (t *teller) in(c colour, text string) string {
	if !t.paint {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func (t *teller) title(text string) { fmt.Fprintf(t.out, "\n%s\n", t.in(bold, text)) }

func (t *teller) note(text string) { fmt.Fprintf(t.out, "\n%s\n", t.in(dim, text)) }

// intro says where everything is, for whoever wants to look.
func (t *teller) intro(at endpoints, dir string) {
	fmt.Fprintf(t.out, "  API          %s\n  Temporal UI  %s\n  logs         %s\n", t.in(blue, at.API), t.in(blue, at.UI), dir)
}

// scene begins a step.
func (t *teller) scene(name string) *scene {
	s := &scene{teller: t, name: name, began: time.Now()}
	t.steps = append(t.steps, s)
	fmt.Fprintf(t.out, "\n%s %s\n", t.in(bold, fmt.Sprintf("%2d", len(t.steps))), t.in(bold, name))
	return s
}

// ends keeps how long the step took. err is what broke it off; nil: nothing did.
func (s *scene) ends(err error) {
	if err != nil {
		s.differed++
		s.line(s.in(red, "✗"), "broken off: "+err.Error())
	}
	s.took = time.Since(s.began)
}

func (s *scene) line(mark, text string) {
	fmt.Fprintf(s.out, "   %s %s\n", mark, strings.ReplaceAll(text, "\n", "\n     "))
}

// tell says what happens, without a check.
func (s *scene) tell(format string, args ...any) {
	s.line(s.in(dim, "·"), s.in(dim, fmt.Sprintf(format, args...)))
}

// link says where to look at a workflow. A redemption without a link has none to show.
func (s *scene) link(url string) {
	if url != "" {
		s.line(s.in(dim, "→"), s.in(blue, url))
	}
}

// check compares an outcome with the expected one.
func check[T comparable](s *scene, what string, want, got T) {
	if want == got {
		s.expect(true, fmt.Sprintf("%s: %v", what, got))
		return
	}
	s.expect(false, fmt.Sprintf("%s: %v, expected %v", what, got, want))
}

// expect notes an outcome that is as it should be, or not.
func (s *scene) expect(ok bool, text string) {
	s.checked++
	if ok {
		s.line(s.in(green, "✓"), text)
		return
	}
	s.differed++
	s.line(s.in(red, "✗"), text)
}

// verdict sums up, and is ErrDiffers when a step failed or none was played.
func (t *teller) verdict() error {
	t.title("How the day went")
	table := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	differed, checked, took := 0, 0, time.Duration(0)
	for i, s := range t.steps {
		mark, outcome := t.in(green, "✓"), fmt.Sprintf("%d checks", s.checked)
		if s.differed > 0 {
			mark, outcome = t.in(red, "✗"), fmt.Sprintf("%d of %d differ", s.differed, max(s.checked, s.differed))
		}
		fmt.Fprintf(table, "  %s %2d\t%s\t%s\t%.1f s\n", mark, i+1, s.name, outcome, s.took.Seconds())
		differed, checked, took = differed+s.differed, checked+s.checked, took+s.took
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if differed > 0 || checked == 0 {
		fmt.Fprintf(t.out, "\n%s\n\n", t.in(red, fmt.Sprintf("%d of %d outcomes differ.", differed, checked)))
		return ErrDiffers
	}
	fmt.Fprintf(t.out, "\n%s\n\n", t.in(green, fmt.Sprintf("All %d outcomes are as expected, in %.0f s.", checked, took.Seconds())))
	return nil
}
