package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reprise.dev/reprise/policy"
)

// TestMain makes the test binary the child process too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Command {
		if err := Child(context.Background(), os.Stdin, os.Stdout, time.Tick(WatchInterval)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && misbehave[os.Args[1]] != nil {
		if err := limitProcess(); err != nil {
			panic(err)
		}
		go watch(time.Tick(WatchInterval))
		misbehave[os.Args[1]]()
	}
	os.Exit(m.Run())
}

// misbehave does what policies must not do, in a limited process.
var misbehave = map[string]func(){
	"allocate": func() {
		for all := []byte("x"); ; all = append(all, all...) {
			sink.Add(uint64(len(all)))
		}
	},
	"allocate-at-once": func() { fmt.Println(len(bytes.Repeat([]byte("x"), 2<<30))) },
	"compute": func() {
		for i := uint64(0); ; i++ {
			sink.Store(i)
		}
	},
}

// sink keeps what is computed.
var sink atomic.Uint64

func newSandbox(t *testing.T) *Sandbox {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return New(program, Command)
}

// skipUnderRaceDetector skips a test that starts the child process: the detector takes more memory
// than its limit. make test-unit runs it.
func skipUnderRaceDetector(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("the race detector takes more memory than the limit of the child process")
	}
}

func trial(t *testing.T, rego string) Trial {
	t.Helper()
	modules, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return Trial{Modules: append(modules, policy.Module{File: "team/a.rego", Source: "team", Rego: rego})}
}

// nested are comprehensions in each other, which take the compiler exponential time.
func nested(depth int) string {
	return "package a\ndeny contains x if { x := " + strings.Repeat("[y | y := ", depth) + "1" + strings.Repeat("]", depth) + " }"
}

func TestSandbox_Try(t *testing.T) {
	skipUnderRaceDetector(t)
	tests := []struct {
		reason, rego string
		compile      string
		timeout      bool
		err          string
	}{
		{reason: "a policy", rego: "package a\ndeny contains \"no\""},
		{reason: "a policy that does not compile", rego: "package a\n\ndeny contains {", compile: "team/a.rego:3"},
		{reason: "a policy that never ends, but can be stopped", timeout: true,
			rego: "package a\ndeny contains \"no\" if { some i in numbers.range(1, 100000); some j in numbers.range(1, 100000); i * j == -1 }"},
		{reason: "compiling takes too long", rego: nested(24), err: "compiling and trying the policies took more than"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			begun := time.Now()
			result, err := newSandbox(t).Try(t.Context(), trial(t, tt.rego))
			t.Logf("took %s: %+v, %v", time.Since(begun), result, err)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			var exceeded *ExceededError
			if errors.As(err, &exceeded) != (tt.err != "") {
				t.Errorf("error %v is of another type", err)
			}
			if !strings.Contains(result.Compile, tt.compile) || (result.Compile == "") != (tt.compile == "") {
				t.Errorf("compile error %q, want %q", result.Compile, tt.compile)
			}
			if (result.Timeouts["team"] != "") != tt.timeout {
				t.Errorf("timeouts %v", result.Timeouts)
			}
		})
	}
}

func TestSandbox_TryOnce(t *testing.T) {
	skipUnderRaceDetector(t)
	s := newSandbox(t)
	program := s.command
	started := 0
	s.command = func(ctx context.Context) *exec.Cmd {
		started++
		return program(ctx)
	}
	sound := trial(t, "package a\ndeny contains \"no\"")
	for range 2 {
		if _, err := s.Try(t.Context(), sound); err != nil {
			t.Fatal(err)
		}
		sound.Modules = append(sound.Modules[1:], sound.Modules[0])
	}
	if started != 1 {
		t.Errorf("%d processes for one set of policies, want 1", started)
	}
	past, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for range 2 {
		if _, err := s.Try(past, trial(t, "package b\ndeny contains \"no\"")); !errors.Is(err, ErrDeadline) {
			t.Errorf("error %v, want %v", err, ErrDeadline)
		}
	}
	if _, err := s.Try(t.Context(), trial(t, "package b\ndeny contains \"no\"")); err != nil {
		t.Errorf("after a deadline: %v", err)
	}
}

func TestSandbox_TryWithAFullQueue(t *testing.T) {
	s := newSandbox(t)
	for range cap(s.queue) {
		s.queue <- struct{}{}
	}
	if _, err := s.Try(t.Context(), trial(t, "package a")); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want %v", err, ErrBusy)
	}
}

func TestSandbox_TryWithoutAProgram(t *testing.T) {
	_, err := New("/nonexistent").Try(t.Context(), trial(t, "package a"))
	var exceeded *ExceededError
	if err == nil || errors.As(err, &exceeded) {
		t.Errorf("error %v, want one that does not blame the policies", err)
	}
}

func TestSandbox_TryWithinLimits(t *testing.T) {
	skipUnderRaceDetector(t)
	for name, want := range map[string]string{
		"allocate": "more than 96 MiB of memory", "allocate-at-once": "more than 96 MiB of memory", "compute": "more than 3s of CPU time",
	} {
		begun := time.Now()
		_, err := New(newSandbox(t).command(t.Context()).Path, name).Try(t.Context(), trial(t, "package a"))
		var exceeded *ExceededError
		if !errors.As(err, &exceeded) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
		t.Logf("%s: took %s", name, time.Since(begun))
	}
}

func TestFailureOf(t *testing.T) {
	memory := fmt.Sprintf("compiling and trying the policies took more than %d MiB of memory", MaxMemory>>20)
	for text, want := range map[string]string{
		"fatal error: runtime: out of memory":                                        memory,
		"runtime: failed to create new OS thread (have 8 already; errno=11)":         memory,
		"runtime/cgo: pthread_create failed: Resource temporarily unavailable":       memory,
		"runtime: goroutine stack exceeds 1000000000-byte limit":                     memory,
		"panic: a defect of a library\n\ngoroutine 1 [running]:":                     "compiling and trying the policies ended the process that did it: panic: a defect of a library (exit status 2)",
		"fork/exec: the last words of a process that ended otherwise\nand some more": "compiling and trying the policies ended the process that did it: fork/exec: the last words of a process that ended otherwise (exit status 2)",
	} {
		child := exec.CommandContext(t.Context(), "sh", "-c", "exit 2")
		if got := failureOf(child, child.Run(), text); got.Error() != want {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
}
