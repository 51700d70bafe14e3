// Package letter turns a template and the facts of one message into what the user reads, in the user's language and time
// zone. It is pure: no I/O and no clock of its own. The same facts always make the same letter, so a message that is sent
// again after a crash is the same message.
package letter
