// Package demo plays a shop's day through a Tearoff of its own and checks every outcome: `tearoff demo`.
//
// It starts `tearoff dev` and `tearoff worker` as child processes, so that the worker can be killed, and then is a client
// like any other: everything it does and checks goes over REST, through the order service of examples/orderservice, or
// through the command `tearoff audit`. The shop's data is that of examples/shop.
//
// One step of the story is one function in a file named after what it shows; story.go lists them in order.
package demo
