package devserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// TemporalBinVariable is the environment variable that names the Temporal CLI to use.
const TemporalBinVariable = "TEAROFF_TEMPORAL_BIN"

// ErrNoTemporal says that there is no Temporal CLI. Its text says how to get one.
var ErrNoTemporal = errors.New("the Temporal CLI isn't installed: run `make tools`, which builds it into .bin/, " +
	"put `temporal` on the PATH, or name it in " + TemporalBinVariable)

// ErrNoMariaDB says that there is no MariaDB server. Its text says how to get one.
var ErrNoMariaDB = errors.New("MariaDB isn't installed: `apt-get install mariadb-server` (Debian, Ubuntu) or " +
	"`brew install mariadb` (macOS); its service needn't run")

// StripeMockBinVariable is the environment variable that names the stripe-mock to use.
const StripeMockBinVariable = "TEAROFF_STRIPE_MOCK_BIN"

// ErrNoStripeMock says that there is no stripe-mock. Its text says how to get one.
var ErrNoStripeMock = errors.New("stripe-mock isn't installed: run `make tools`, which builds it into .bin/, " +
	"put `stripe-mock` on the PATH, or name it in " + StripeMockBinVariable)

// FindTemporal returns the path of the Temporal CLI: the one named by TEAROFF_TEMPORAL_BIN, else `temporal` on the PATH,
// else .bin/temporal in the working directory or above it, else `temporal` beside the running program. It fails with
// ErrNoTemporal, or if TEAROFF_TEMPORAL_BIN names no program.
func FindTemporal() (string, error) {
	return findTool("temporal", TemporalBinVariable, ErrNoTemporal)
}

// FindStripeMock returns the path of stripe-mock, looked for as FindTemporal does. It fails with ErrNoStripeMock, or if
// TEAROFF_STRIPE_MOCK_BIN names no program.
func FindStripeMock() (string, error) {
	return findTool("stripe-mock", StripeMockBinVariable, ErrNoStripeMock)
}

func findTool(name, variable string, missing error) (string, error) {
	if named := os.Getenv(variable); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s: %w", variable, err)
		}
		return path, nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, folder := range toolFolders() {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", missing
}

// toolFolders are .bin from the working directory upwards, and the running program's folder.
func toolFolders() []string {
	var folders []string
	if folder, err := os.Getwd(); err == nil {
		for {
			folders = append(folders, filepath.Join(folder, ".bin"))
			parent := filepath.Dir(folder)
			if parent == folder {
				break
			}
			folder = parent
		}
	}
	if program, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(program))
	}
	return folders
}

// findMariaDB returns the paths of the server and of the program that makes its data directory.
func findMariaDB() (server, install string, err error) {
	server, err = findProgram("mariadbd", "mysqld")
	if err != nil {
		return "", "", err
	}
	// Oracle's MySQL also calls its server mysqld, but has no such program: it isn't mistaken for MariaDB.
	install, err = findProgram("mariadb-install-db", "mysql_install_db")
	return server, install, err
}

// findProgram looks on the PATH and in the folders for servers that an ordinary user's PATH leaves out.
func findProgram(names ...string) (string, error) {
	for _, name := range names {
		for _, path := range []string{name, "/usr/sbin/" + name, "/usr/local/sbin/" + name} {
			if found, err := exec.LookPath(path); err == nil {
				return found, nil
			}
		}
	}
	return "", ErrNoMariaDB
}
