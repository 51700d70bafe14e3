package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
)

// file keeps an entry for each redemption, for one process at a time. A real service has a table with the redemption's id as
// its key, and does in one transaction what is done under mu here.
type file[E any] struct {
	path string
	mu   sync.Mutex
}

// change changes the redemption's entry, which is new when nothing is known of it, and answers when that is on disk. With an
// error nothing is changed.
func (f *file[E]) change(id string, do func(e *E, all map[string]*E) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	all, err := f.read()
	if err != nil {
		return err
	}
	if all[id] == nil {
		all[id] = new(E)
	}
	if err := do(all[id], all); err != nil {
		return err
	}
	return f.write(all)
}

func (f *file[E]) read() (map[string]*E, error) {
	all := map[string]*E{}
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &all)
	return all, err
}

// write replaces the file as a whole: a crash leaves the old one or the new one.
func (f *file[E]) write(all map[string]*E) error {
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	next := f.path + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, f.path)
}
