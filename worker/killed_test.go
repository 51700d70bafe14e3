package worker_test

import (
	"testing"
)

func isWorkerProcess() bool { return false }
func workerProcess() int    { return 0 }

func TestKilled(t *testing.T) {}
