package devserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver that probe opens
)

const (
	// mariaDBGrace is how long a server may take to stop: it writes its dirty pages first.
	mariaDBGrace = time.Minute
	mariaDBUser  = "tearoff"
)

// MariaDBOptions configures StartMariaDB. The zero value is a durable server with temporary data on a free port.
type MariaDBOptions struct {
	// DataDir keeps the data across restarts and is made if missing; "" = a temporary one that Stop removes.
	DataDir string
	// Port on 127.0.0.1; 0 = a free one.
	Port int
	// Fast gives up durability for speed: commits aren't flushed, and a power cut loses data. For tests.
	Fast bool
	// Password of its user, for a server that is started again while others know its DSN; "" = one made for this run.
	Password string
	// Log takes what the server prints; nil = nowhere.
	Log io.Writer
}

// MariaDB is a running private server that reads none of the machine's configuration.
type MariaDB struct {
	// Addr is host:port.
	Addr string

	password string
	tempDir  string // removed by Stop; "" = nothing to remove
	process  *process
}

// StartMariaDB starts a server and returns when it answers queries. It returns ErrNoMariaDB if the machine has no
// MariaDB, *PortTakenError if the caller's port is in use, and an error with the end of the server's output if it ended.
// Without a deadline in ctx it gives up after a minute.
func StartMariaDB(ctx context.Context, options MariaDBOptions) (*MariaDB, error) {
	server, install, err := findMariaDB()
	if err != nil {
		return nil, err
	}
	var tempDir string
	if options.DataDir == "" {
		if tempDir, err = os.MkdirTemp("", "tearoff-mariadb-"); err != nil {
			return nil, fmt.Errorf("MariaDB's data directory: %w", err)
		}
		options.DataDir = filepath.Join(tempDir, "data")
	}
	started, err := options.prepareAndStart(ctx, server, install)
	if err != nil {
		return nil, errors.Join(err, removeTemp(tempDir))
	}
	started.tempDir = tempDir
	return started, nil
}

func (o MariaDBOptions) prepareAndStart(ctx context.Context, server, install string) (*MariaDB, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("MariaDB's data directory: %w", err)
	}
	o.DataDir = dir
	if err := o.prepareData(ctx, install); err != nil {
		return nil, err
	}
	if o.Port != 0 {
		return o.start(ctx, server)
	}
	return retryTaken(func() (*MariaDB, error) { return o.start(ctx, server) })
}

// prepareData makes the data directory and its system tables unless they are there. The init file is written after both,
// so that its presence tells a whole directory from one whose making was interrupted.
func (o MariaDBOptions) prepareData(ctx context.Context, install string) error {
	for _, dir := range []string{o.DataDir, o.tmpDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("MariaDB's data directory: %w", err)
		}
	}
	if _, err := os.Stat(o.initFile()); err == nil {
		return nil
	}
	// --force: a machine that can't look up its own name is fine, the server listens on loopback.
	args := append(o.settings(), "--auth-root-authentication-method=socket", "--skip-test-db", "--force")
	output, err := exec.CommandContext(ctx, install, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make MariaDB's data directory: %w\n%s", err, output)
	}
	return nil
}

// start makes one attempt. o is a copy: the port it chooses is its own.
func (o MariaDBOptions) start(ctx context.Context, server string) (*MariaDB, error) {
	var err error
	if o.Port, err = o.port().choose(ctx); err != nil {
		return nil, err
	}
	db := &MariaDB{Addr: net.JoinHostPort(loopback, strconv.Itoa(o.Port)), password: cmp.Or(o.Password, rand.Text())}
	if err := o.writeInitFile(db.password); err != nil {
		return nil, err
	}
	args := append(o.settings(), "--port="+strconv.Itoa(o.Port), "--init-file="+o.initFile())
	if db.process, err = startProcess(ctx, o.Log, server, args...); err != nil {
		return nil, err
	}
	if err := db.process.waitReady(ctx, db.ping); err != nil {
		if !db.process.hasExited() {
			return nil, errors.Join(err, db.Stop())
		}
		var taken *PortTakenError
		if _, perr := o.port().choose(ctx); errors.As(perr, &taken) {
			return nil, taken
		}
		return nil, err
	}
	return db, nil
}

func (o MariaDBOptions) port() port {
	return port{host: loopback, number: o.Port, what: "MariaDB server"}
}

// initFile is SQL, one statement a line, that the server runs before it listens.
func (o MariaDBOptions) initFile() string {
	return filepath.Join(o.DataDir, "tearoff-init.sql")
}

// tmpDir is the server's own: one that starts removes the temporary tables that it finds, its neighbours' too.
func (o MariaDBOptions) tmpDir() string { return o.DataDir + ".tmp" }

// writeInitFile makes the user, with a password: a server without one, running as root, would give the
// machine to every local user.
func (o MariaDBOptions) writeInitFile(password string) error {
	account := "'" + mariaDBUser + "'@'" + loopback + "'"
	statements := "CREATE OR REPLACE USER " + account + " IDENTIFIED BY '" + password + "';\n" +
		"GRANT ALL PRIVILEGES ON *.* TO " + account + " WITH GRANT OPTION;\n"
	if err := os.WriteFile(o.initFile(), []byte(statements), 0o600); err != nil {
		return fmt.Errorf("MariaDB's users: %w", err)
	}
	return nil
}

// settings are the server's options, which the data directory must be made with too.
func (o MariaDBOptions) settings() []string {
	settings := []string{
		"--no-defaults", // first, or it isn't obeyed: the machine's own configuration must not leak in
		"--datadir=" + o.DataDir,
		"--tmpdir=" + o.tmpDir(),
		"--socket=tearoff.sock", // in the data directory: an absolute path may exceed the limit of 107 bytes
		"--pid-file=tearoff.pid",
		"--bind-address=" + loopback,
		"--skip-name-resolve",
		"--skip-log-bin",
		"--max-connections=500",
		"--character-set-server=utf8mb4",
		"--innodb-buffer-pool-size=256M",
	}
	if os.Geteuid() == 0 {
		settings = append(settings, "--user=root") // it refuses to run as root unless told to
	}
	if o.Fast {
		return append(settings, "--innodb-flush-log-at-trx-commit=2", "--skip-innodb-doublewrite", "--innodb-log-file-size=64M")
	}
	return append(settings, "--innodb-flush-log-at-trx-commit=1", "--innodb-log-file-size=512M")
}

// DSN is a go-sql-driver data source name without a database, for a user who may do everything, creating databases
// included. It holds the password.
func (m *MariaDB) DSN() string {
	return mariaDBUser + ":" + m.password + "@tcp(" + m.Addr + ")/"
}

func (m *MariaDB) ping(ctx context.Context) error {
	db, err := sql.Open("mysql", m.DSN()+"?timeout="+probeTimeout.String())
	if err != nil {
		return err
	}
	err = db.PingContext(ctx)
	return errors.Join(err, db.Close())
}

// PID of the server's process.
func (m *MariaDB) PID() int { return m.process.cmd.Process.Pid }

// Done is closed when the server's process has ended, by Stop or on its own.
func (m *MariaDB) Done() <-chan struct{} { return m.process.exited }

// Stop ends the server, waits for it and removes its temporary data: SIGTERM, and SIGKILL after a minute. It fails if
// the server had to be killed or had ended on its own before. Calling it again is harmless.
func (m *MariaDB) Stop() error {
	return errors.Join(m.process.stop(mariaDBGrace), removeTemp(m.tempDir))
}

// Kill ends the server with SIGKILL, as a crash does, and returns when it is gone. Its data stays as it was; Stop then only
// removes that of a temporary directory.
func (m *MariaDB) Kill() { m.process.kill() }

func removeTemp(dir string) error {
	if dir == "" {
		return nil
	}
	if !strings.HasPrefix(filepath.Base(dir), "tearoff-mariadb-") {
		return fmt.Errorf("won't remove %s: not a temporary data directory", dir)
	}
	return os.RemoveAll(dir)
}
