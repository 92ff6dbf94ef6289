package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ is 100 on every architecture that Go runs on
// (proc(5)).
const tick = 10 * time.Millisecond

// cpuOf is the CPU time that the process has used that was started with an argument. Linux only.
func cpuOf(argument string) (time.Duration, error) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		content, err := os.ReadFile(line)
		if err != nil || !slices.Contains(strings.Split(string(content), "\x00"), argument) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(line), "stat"))
		if err != nil {
			return 0, fmt.Errorf("reading the CPU time of a process: %w", err)
		}
		return cpuIn(string(stat))
	}
	return 0, fmt.Errorf("no process has the argument %s", argument)
}

// cpuIn is user and system time of a line of /proc/PID/stat, whose second field may hold spaces and
// brackets.
func cpuIn(stat string) (time.Duration, error) {
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("reading the CPU time of a process: %q is not as expected", stat)
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the CPU time of a process: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}
