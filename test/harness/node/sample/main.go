// Command sample is an application for tests on a real node: it crashes, fills its memory, is slow,
// or answers its probes as it is told to by flags, or by variables named like them
// (BEHAVE_EXIT_AFTER). Called as sh it is a shell.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// behaviour is what the application is told to do. Times count from its start; zero means never, or
// at once.
type behaviour struct {
	exitAfter    time.Duration
	exitCode     int
	message      string
	memory       int
	port         int
	slowStart    time.Duration
	unreadyAfter time.Duration
	deadAfter    time.Duration
	logEvery     time.Duration
	lines        int
	pause        bool
}

func main() {
	if filepath.Base(os.Args[0]) == "sh" {
		os.Exit(shell(os.Args[1:]))
	}
	b := told()
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGINT)
	if b.pause {
		<-ends
		return
	}
	fmt.Println("starting", strings.Join(os.Args, " "))
	for i := range b.lines {
		fmt.Printf("line %d of %d\n", i+1, b.lines)
	}
	b.live(ends)
}

// told reads the flags, whose defaults are the variables.
func told() behaviour {
	var b behaviour
	flag.DurationVar(&b.exitAfter, "exit-after", -1, "end after that long; negative means never")
	flag.IntVar(&b.exitCode, "exit-code", 1, "the code to end with")
	flag.StringVar(&b.message, "message", "", "the termination message, written at the end, to standard error too")
	flag.IntVar(&b.memory, "memory", 0, "fill that many MiB of memory, a hundredth at a time")
	flag.IntVar(&b.port, "port", 9898, "where to serve /readyz, /healthz and what changes them, /fail/readyz and /mend/readyz")
	flag.DurationVar(&b.slowStart, "slow-start", 0, "serve nothing for that long")
	flag.DurationVar(&b.unreadyAfter, "unready-after", -1, "fail /readyz after that long; negative means never")
	flag.DurationVar(&b.deadAfter, "dead-after", -1, "fail /healthz after that long; negative means never")
	flag.DurationVar(&b.logEvery, "log-every", 0, "log a line that often; zero means never")
	flag.IntVar(&b.lines, "lines", 0, "log that many lines at the start")
	flag.BoolVar(&b.pause, "pause", false, "do nothing for ever")
	flag.VisitAll(func(f *flag.Flag) {
		name := "BEHAVE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, found := os.LookupEnv(name); found {
			if err := f.Value.Set(value); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
				os.Exit(2)
			}
		}
	})
	flag.Parse()
	return b
}
