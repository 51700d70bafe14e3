package main

import (
	"net/http"
	"strings"
)

// clientFlags are what a command needs that asks an API.
type clientFlags struct {
	API string `name:"api" help:"Where Tearoff's API (or its admin listener) answers." default:"http://127.0.0.1:8080" placeholder:"URL" env:"TEAROFF_API"`
	Key string `help:"An admin's API key." required:"" placeholder:"tk_…" env:"TEAROFF_KEY"`
}

// url is the address of a path.
func (f clientFlags) url(path string) string { return strings.TrimSuffix(f.API, "/") + path }

// authorise puts the key into a request.
func (f clientFlags) authorise(r *http.Request) { r.Header.Set("Authorization", "Bearer "+f.Key) }
