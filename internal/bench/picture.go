package bench

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"math"
	"time"
)

// pictureWorkers are the points of the picture.
var pictureWorkers = []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}

// line is the rate of a job at each of the points so far.
type line struct {
	name  string
	rates []float64
}

// picture is rate against concurrency. It is drawn by hand: it is one chart, and the plotting libraries of Go are either
// no longer kept or ten megabytes of fonts and formats in the product's binary.
type picture struct {
	title   string
	workers []int
	lines   []line
}

// draw measures a scenario and its baselines at each concurrency, each for a third of the span.
func (r *report) draw(ctx context.Context, e *env, s scenario) error {
	c, err := s.prepare(ctx, e)
	if err != nil {
		return fmt.Errorf("bench: %s: %w", s.name, err)
	}
	p := &picture{title: "Rate against concurrency: " + s.name, workers: pictureWorkers}
	l := e.load()
	l.span = max(l.span/3, time.Second)
	for _, j := range append([]*job{c.ours}, c.baselines...) {
		one := line{name: j.name}
		for _, l.workers = range pictureWorkers {
			e.tell("picture: %s, %d at a time", j.name, l.workers)
			got, err := l.measure(ctx, j)
			if err != nil {
				return err
			}
			r.blame(fmt.Sprintf("picture, %s, %d at a time", j.name, l.workers), got)
			one.rates = append(one.rates, got.rate)
		}
		p.lines = append(p.lines, one)
	}
	r.picture = p
	return nil
}

// Measures of the picture, in its own units.
const (
	pictureWidth, pictureHeight     = 760, 440
	plotLeft, plotTop               = 80, 50
	plotRight, plotBottom           = pictureWidth - 110, pictureHeight - 60
	ticksAtLeast                    = 4
	labelHeight                     = 15
	axisColour, textColour, noFrame = "#d0d7de", "#1f2328", "#ffffff"
)

// colours of the lines, ours first; they can be told apart with any kind of colour vision.
var colours = []string{"#0969da", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6e7781"}

func (p *picture) svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="sans-serif" font-size="13" fill="%s">`+"\n",
		pictureWidth, pictureHeight, textColour)
	fmt.Fprintf(&b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"%s\"/>\n", html.EscapeString(p.title), noFrame)
	p.text(&b, plotLeft, 28, "start", p.title)
	step, top := p.scale()
	for v := 0.0; v <= top; v += step {
		y := p.y(v, top)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="%s"/>`+"\n", plotLeft, y, plotRight, axisColour)
		p.text(&b, plotLeft-8, y+4, "end", fmt.Sprintf("%.0f/s", v))
	}
	for i, n := range p.workers {
		p.text(&b, p.x(i), plotBottom+20, "middle", fmt.Sprint(n))
	}
	p.text(&b, (plotLeft+plotRight)/2, plotBottom+44, "middle", "requests at a time")
	p.drawLines(&b, top)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (*picture) text(b *bytes.Buffer, x, y float64, anchor, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(text))
}

// drawLines draws each line with its name at its end.
func (p *picture) drawLines(b *bytes.Buffer, top float64) {
	labels := p.labels(top)
	for i, l := range p.lines {
		colour := colours[i%len(colours)]
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="2.5" points="`, colour)
		for j, rate := range l.rates {
			fmt.Fprintf(b, "%.1f,%.1f ", p.x(j), p.y(rate, top))
		}
		b.WriteString("\"/>\n")
		for j, rate := range l.rates {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s, %d at a time: %.0f/s</title></circle>`+"\n",
				p.x(j), p.y(rate, top), colour, html.EscapeString(l.name), p.workers[j], rate)
		}
		fmt.Fprintf(b, `<text x="%d" y="%.1f" fill="%s">%s</text>`+"\n", plotRight+10, labels[i], colour, html.EscapeString(l.name))
	}
}

// labels are the heights of the names: at the ends of the lines, but not over one another.
func (p *picture) labels(top float64) []float64 {
	heights := make([]float64, len(p.lines))
	for i, l := range p.lines {
		heights[i] = p.y(l.rates[len(l.rates)-1], top) + 4
	}
	for moved := true; moved; {
		moved = false
		for i := range heights {
			for j := range heights {
				above := heights[i] < heights[j] || heights[i] == heights[j] && i < j
				if above && heights[j]-heights[i] < labelHeight-0.5 {
					heights[i], moved = heights[j]-labelHeight, true
				}
			}
		}
	}
	return heights
}

func (p *picture) x(point int) float64 {
	return plotLeft + float64(point)*(plotRight-plotLeft)/float64(len(p.workers)-1)
}

func (*picture) y(rate, top float64) float64 {
	return plotBottom - rate/top*(plotBottom-plotTop)
}

// scale is the distance of the marks, 1, 2 or 5 times a power of ten, and the last mark, not below any rate.
func (p *picture) scale() (step, top float64) {
	highest := 1.0
	for _, l := range p.lines {
		for _, rate := range l.rates {
			highest = max(highest, rate)
		}
	}
	power := math.Pow(10, math.Floor(math.Log10(highest/ticksAtLeast)))
	for _, factor := range []float64{5, 2, 1} {
		if step = factor * power; highest/step >= ticksAtLeast {
			break
		}
	}
	return step, step * math.Ceil(highest/step)
}
