// Package devserver runs the servers Tearoff needs as child processes: a Temporal dev server (`tearoff dev`, tests,
// benchmarks) and a private MariaDB (tests, benchmarks). It is never part of a production process.
//
// A server started here
//   - listens on loopback only, unless the caller asks for another host;
//   - answers when its Start function returns: Start asks it, it doesn't sleep;
//   - is in a process group of its own, so Ctrl-C reaches the parent, which stops its children in the order it wants;
//   - dies with its parent even if that is killed with SIGKILL (on Linux; elsewhere only Stop ends it).
//
// The context given to a Start function bounds the start alone. A started server runs until Stop.
package devserver
