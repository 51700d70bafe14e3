// Command errordocs writes docs/errors.md to the file that it is given.
package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/tearoff/tearoff/api" //nolint:depguard // a command that uses the package, not a part of it
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "errordocs:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want the path of the file, got %d arguments", len(args))
	}
	var page bytes.Buffer
	if err := api.WriteErrorDocs(&page); err != nil {
		return err
	}
	return os.WriteFile(args[0], page.Bytes(), 0o644)
}
