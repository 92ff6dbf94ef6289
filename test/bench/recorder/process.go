package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"reprise.dev/reprise/test/bench/rig"
)

// resident are the bytes of memory that the kernel counts for a process (proc(5), /proc/pid/status).
type resident struct {
	// now and peak include the mapped program; anonymous does not.
	now, peak, anonymous int
}

// residentOf reads the memory of the process that runs a program. Linux only.
func residentOf(program string) (resident, error) {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return resident{}, err
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != program {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(link), "status"))
		if err != nil {
			return resident{}, fmt.Errorf("reading the memory of %s: %w", program, err)
		}
		now, errNow := rig.Number(string(status), "VmRSS:")
		peak, errPeak := rig.Number(string(status), "VmHWM:")
		anonymous, errAnonymous := rig.Number(string(status), "RssAnon:")
		// The kernel counts in kB of 1024 bytes.
		return resident{int(now) << 10, int(peak) << 10, int(anonymous) << 10}, errors.Join(errNow, errPeak, errAnonymous)
	}
	return resident{}, fmt.Errorf("no process runs %s that /proc knows of", program)
}

// ofCollectedAPIServer reads metrics of the API server's Go runtime after a garbage collection.
func (st *stage) ofCollectedAPIServer(ctx context.Context, names ...string) ([]float64, error) {
	if err := st.Raw.Discovery().RESTClient().Get().AbsPath("/debug/pprof/heap").Param("gc", "1").Do(ctx).Error(); err != nil {
		return nil, fmt.Errorf("having the API server collect garbage: %w", err)
	}
	return st.OfAPIServer(ctx, names...)
}
