package command

import (
	"context"
	"fmt"
	"runtime/metrics"
	"time"

	"reprise.dev/reprise/policy"
)

// The compiler heeds no deadline, and its time and memory can grow exponentially with the policies.
// A command gives up after this. The cluster allows less (policy/sandbox).
const (
	maxCompileTime   = 20 * time.Second
	maxCompileMemory = 2 << 30
)

// compile compiles policies within bounds. If it gives up, the compiler still runs: the command
// must end.
func compile(ctx context.Context, modules []policy.Module, overrides policy.Overrides) (*policy.Engine, error) {
	return within(ctx, maxCompileTime, maxCompileMemory, func() (*policy.Engine, error) {
		return policy.New(ctx, modules, policy.DefaultLimits(), overrides)
	})
}

// within returns the result of a function, or an error if it takes more time or the process more
// memory in bytes.
func within[T any](ctx context.Context, most time.Duration, memory uint64, work func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := work()
		done <- result{value, err}
	}()
	deadline, ticks := time.NewTimer(most), time.NewTicker(10*time.Millisecond)
	defer deadline.Stop()
	defer ticks.Stop()
	used := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	var none T
	for {
		select {
		case r := <-done:
			return r.value, r.err
		case <-ctx.Done():
			return none, fmt.Errorf("compiling the policies: %w", ctx.Err())
		case <-deadline.C:
			return none, fmt.Errorf("compiling the policies took more than %s: simplify them, such as comprehensions within each other", most)
		case <-ticks.C:
			if metrics.Read(used); used[0].Value.Uint64() > memory {
				return none, fmt.Errorf("compiling the policies took more than %d MiB of memory: simplify them, such as comprehensions within each other", memory>>20)
			}
		}
	}
}
