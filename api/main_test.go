package api_test

import (
	"os"
	"testing"

	"github.com/tearoff/tearoff/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
