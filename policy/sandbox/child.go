package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/metrics"
	"time"

	"reprise.dev/reprise/policy"
)

// The exit codes of a child process that exceeds a limit.
const (
	exitTime   = 64
	exitMemory = 65
)

// maxWarnings bounds the size of an answer. A warning has a few hundred bytes.
const maxWarnings = 1000

// WatchInterval is how often the child measures its memory.
const WatchInterval = 5 * time.Millisecond

// Child is the main function of the child process: it reads a trial from in and writes its result
// to out. It limits the process first. At each tick it measures the memory, and ends the process if
// that is too much.
func Child(ctx context.Context, in io.Reader, out io.Writer, ticks <-chan time.Time) error {
	if err := limitProcess(); err != nil {
		return fmt.Errorf("limiting the process: %w", err)
	}
	go watch(ticks)
	var t Trial
	if err := json.NewDecoder(in).Decode(&t); err != nil {
		return fmt.Errorf("reading the policies: %w", err)
	}
	if err := json.NewEncoder(out).Encode(try(ctx, t)); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

func try(ctx context.Context, t Trial) Result {
	engine, err := policy.New(ctx, t.Modules, policy.DefaultLimits(), t.Overrides)
	if err != nil {
		return Result{Compile: err.Error()}
	}
	warnings := engine.Warnings()
	result := Result{Timeouts: map[string]string{}, Warnings: warnings[:min(len(warnings), maxWarnings)]}
	timeouts, err := engine.CheckTimeouts(ctx, t.Modules)
	if err != nil {
		return Result{Compile: err.Error()}
	}
	for source, err := range timeouts {
		result.Timeouts[source] = err.Error()
	}
	return result
}

// watch ends the process if it uses too much memory. The limit of the operating system comes after
// it, for a single large allocation.
func watch(ticks <-chan time.Time) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range ticks {
		metrics.Read(samples)
		if samples[0].Value.Uint64()-samples[1].Value.Uint64() > MaxMemory {
			os.Exit(exitMemory)
		}
	}
}
