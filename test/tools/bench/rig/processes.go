package rig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ticks are in a second of what the kernel counts (proc(5), sysconf(_SC_CLK_TCK)): 100 on every
// platform of Linux.
const ticks = 100

// Process is what a process of the cluster, or the bench itself, has taken so far.
type Process struct {
	// Name is cut by the kernel after 15 bytes.
	Name string
	// Seconds are those on a core.
	Seconds float64
	Memory  Memory
}

// Memory are the bytes that the kernel counts for a process (proc(5), /proc/pid/status).
type Memory struct {
	// Now and Peak include the mapped program; Anonymous does not.
	Now, Peak, Anonymous int
}

// Processes are the bench and what it has started. Linux only.
func Processes() ([]Process, error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	own := strconv.Itoa(os.Getpid())
	var found []Process
	for _, path := range all {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // It has ended.
		}
		name, fields := statOf(string(stat))
		if len(fields) < 13 || fields[1] != own && filepath.Dir(path) != "/proc/"+own {
			continue
		}
		p := Process{Name: name}
		for _, spent := range fields[11:13] { // In the kernel and outside of it.
			n, err := strconv.Atoi(spent)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", path, err)
			}
			p.Seconds += float64(n) / ticks
		}
		if p.Memory, err = memoryOf(filepath.Dir(path)); err != nil {
			continue // It has ended.
		}
		found = append(found, p)
	}
	return found, nil
}

// Reprise is the product's process.
func Reprise() (Process, error) {
	all, err := Processes()
	if err != nil {
		return Process{}, err
	}
	at := slices.IndexFunc(all, func(p Process) bool { return p.Name == Program })
	if at < 0 {
		return Process{}, errors.New("no process of Reprise runs that /proc knows of")
	}
	return all[at], nil
}

// statOf splits what the kernel says of a process into its name and what follows it.
func statOf(stat string) (name string, fields []string) {
	_, rest, _ := strings.Cut(stat, "(")
	end := strings.LastIndex(rest, ")")
	if end < 0 {
		return "", nil
	}
	return rest[:end], strings.Fields(rest[end+1:])
}

func memoryOf(folder string) (Memory, error) {
	status, err := os.ReadFile(filepath.Join(folder, "status"))
	if err != nil {
		return Memory{}, err
	}
	now, errNow := Number(string(status), "VmRSS:")
	peak, errPeak := Number(string(status), "VmHWM:")
	anonymous, errAnonymous := Number(string(status), "RssAnon:")
	// The kernel counts in kB of 1024 bytes.
	return Memory{int(now) << 10, int(peak) << 10, int(anonymous) << 10}, errors.Join(errNow, errPeak, errAnonymous)
}

// Machine is for how many seconds the machine's cores were busy since it was started, all of them
// together.
func Machine() (float64, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(first)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("reading /proc/stat: %q is not of the whole machine", first)
	}
	busy := 0
	for i, field := range fields[1:9] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("reading /proc/stat: %w", err)
		}
		if i != 3 && i != 4 { // Idle, and waiting for a disk.
			busy += n
		}
	}
	return float64(busy) / ticks, nil
}
