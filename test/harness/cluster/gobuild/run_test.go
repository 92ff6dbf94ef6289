package gobuild

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseList(t *testing.T) {
	list := "fmt\tfmt\tstale dependency: errors\t/go/fmt\tprint.go\tscan.go\n" +
		"unsafe\tunsafe\t\t/go/unsafe\tunsafe.go\n" +
		"main\texample.org/command\tbuild ID mismatch\t/command\tmain.go\n" +
		"empty\texample.org/empty\tbuild ID mismatch\t/empty\t\n"
	size := func(path string) int64 {
		return map[string]int64{"/go/fmt/print.go": 30, "/go/fmt/scan.go": 12, "/go/unsafe/unsafe.go": 5}[path]
	}
	got, err := parseList(list, size)
	if err != nil {
		t.Fatal(err)
	}
	want := packages{"fmt": {bytes: 42}, "unsafe": {bytes: 5, compiled: true}, "example.org/command": {compiled: true},
		"example.org/empty": {}}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := parseList("a warning\n", size); err == nil {
		t.Error("no error for a line that is no package")
	}
}

func TestWorkOf(t *testing.T) {
	modules := map[string]packages{
		"a": {"fmt": {bytes: 42}, "unsafe": {bytes: 5, compiled: true}},
		"b": {"fmt": {bytes: 40}},
	}
	got := workOf(modules, []Step{{Dir: "a", Target: "x"}, {Dir: "b"}}, 2)
	want := progress{packages: 2, work: 82 + linking, cores: 2}
	if got != want {
		t.Errorf("got %+v, want %+v: two modules, of which one has a command to link", got, want)
	}
}

func TestRun_Compiling(t *testing.T) {
	s := Step{Dir: "a"}
	r := &run{modules: map[string]packages{"a": {"fmt": {bytes: 42}}}, progress: progress{packages: 1, work: 42}}
	for _, tt := range []struct {
		reason, line string
		want         bool
	}{
		{"it is a package", "fmt", true},
		{"it is counted once", "fmt", true},
		{"it is part of an error", "# fmt", false},
		{"it is a download", "go: downloading example.org v1.0.0", true},
	} {
		if got := r.compiling(s, tt.line); got != tt.want {
			t.Errorf("%q: got %t, want %t: %s", tt.line, got, tt.want, tt.reason)
		}
	}
	if r.progress.packagesDone != 1 || r.progress.workDone != 42 {
		t.Errorf("counted %+v, want one package of 42 bytes", r.progress)
	}
}

func TestRun_Stopped(t *testing.T) {
	r := &run{steps: []Step{{Name: "etcd"}, {Name: "kubectl"}, {Name: "kwok"}}, built: 1}
	if got, want := r.stopped(), "etcd built, kubectl and kwok not. Go keeps"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to start with %q", got, want)
	}
}

// module writes a command that imports nothing, so that only the runtime is compiled, if at all.
func module(t *testing.T, source string) Step {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.org/hello\n\ngo 1.26\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Step{Name: "hello", Dir: dir, Package: ".", Target: filepath.Join(dir, "hello"), Env: []string{"GOWORK=off", "CGO_ENABLED=0"}}
}

func TestRun(t *testing.T) {
	s := module(t, "package main\n\nfunc main() {}\n")
	var said strings.Builder
	if err := Run(t.Context(), &said, []Step{s}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.Target); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("the target: %v, %v, want a program", info, err)
	}
	if !strings.HasPrefix(said.String(), "Building hello: ") || !strings.Contains(said.String(), "\nBuilt hello in ") {
		t.Errorf("it said %q", said.String())
	}
}

func TestRun_TellsWhyItFailed(t *testing.T) {
	s := module(t, "package main\n\nfunc main() { undefined() }\n")
	err := Run(t.Context(), io.Discard, []Step{s})
	if err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got %v, want the compiler's error", err)
	}
	left, err := filepath.Glob(s.Target + "*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRun_SaysThatItWasStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var said strings.Builder
	err := Run(ctx, &said, []Step{module(t, "package main\n\nfunc main() {}\n")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if !strings.Contains(said.String(), "Stopped: Go keeps what was compiled") {
		t.Errorf("it said %q", said.String())
	}
}
