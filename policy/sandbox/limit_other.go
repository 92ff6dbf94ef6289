//go:build !linux

package sandbox

import (
	"os"
	"time"
)

// limitProcess ends the process after the CPU time that it may take. Reprise runs on Linux; this is
// for its tests elsewhere.
func limitProcess() error {
	time.AfterFunc(maxCPU, func() { os.Exit(exitTime) })
	return nil
}
