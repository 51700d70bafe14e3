package main

import (
	"context"

	"github.com/tearoff/tearoff/internal/demo"
)

type demoCmd struct {
	Dir  string `help:"Where the demo's state is kept; wiped first." default:".tearoff/demo"`
	Keep bool   `help:"Leave everything running at the end, to look around in the Temporal UI; Ctrl-C stops it."`
}

// Run implements kong's command.
func (c *demoCmd) Run(ctx context.Context) error {
	return demo.Run(ctx, demo.Options{Dir: c.Dir, Keep: c.Keep})
}
