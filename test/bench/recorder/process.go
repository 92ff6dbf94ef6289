package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
		now, errNow := field(string(status), "VmRSS:")
		peak, errPeak := field(string(status), "VmHWM:")
		anonymous, errAnonymous := field(string(status), "RssAnon:")
		// The kernel counts in kB of 1024 bytes.
		return resident{int(now) << 10, int(peak) << 10, int(anonymous) << 10}, errors.Join(errNow, errPeak, errAnonymous)
	}
	return resident{}, fmt.Errorf("no process runs %s that /proc knows of", program)
}

// field is the number behind a name at the beginning of a line.
func field(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == name {
			return strconv.ParseFloat(words[1], 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}

// ofAPIServer reads metrics of the API server's Go runtime after a garbage collection.
func (st *stage) ofAPIServer(ctx context.Context, names ...string) ([]float64, error) {
	rest := st.raw.Discovery().RESTClient()
	if err := rest.Get().AbsPath("/debug/pprof/heap").Param("gc", "1").Do(ctx).Error(); err != nil {
		return nil, fmt.Errorf("having the API server collect garbage: %w", err)
	}
	page, err := rest.Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return metrics(string(page), names...)
}

func metrics(page string, names ...string) ([]float64, error) {
	var values []float64
	for _, name := range names {
		value, err := field(page, name)
		if err != nil {
			return nil, fmt.Errorf("reading metrics: %w", err)
		}
		values = append(values, value)
	}
	return values, nil
}
