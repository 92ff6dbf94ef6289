package sandbox

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// rlimitData is RLIMIT_DATA (getrlimit(2)), which counts private writable memory. RLIMIT_AS counts
// the address space that Go reserves and does not use, too.
const rlimitData = 2

// dataReserve is what RLIMIT_DATA counts beside the memory in use: what Go has mapped and not used.
const dataReserve = 64 << 20

// limitProcess limits the CPU time and the memory of this process, and makes others come first.
func limitProcess() error {
	seconds := uint64(maxCPU / time.Second)
	if err := syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds}); err != nil {
		return fmt.Errorf("of CPU time: %w", err)
	}
	if err := syscall.Setrlimit(rlimitData, &syscall.Rlimit{Cur: MaxMemory + dataReserve, Max: MaxMemory + dataReserve}); err != nil {
		return fmt.Errorf("of memory: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("of core dumps: %w", err)
	}
	// Neither is needed for the limits. If memory runs out in spite of them, this process ends first.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10)
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return nil
}
