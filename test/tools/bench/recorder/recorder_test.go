package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAQuickRunFillsEveryTable keeps the command from rotting, and what costs nothing from costing
// something.
func TestAQuickRunFillsEveryTable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the memory of a process is read from /proc")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out strings.Builder
	if err := run(ctx, &out, t.Output(), quick()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| a re-apply of something unchanged, by another manager | 0 | 0 |",
		"| `kubectl scale` to 2 | 0 | 0 |",
		"| one after the other | 10 |",
		"| burst: 5 workloads × 2 | 10 |",
		"| ControllerRevision + small Revision | 3 |",
		"| (kubectl's memory of its last manifest) |",
		"| Go heap, live after a garbage collection |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %q in:\n%s", want, out.String())
		}
	}
}

func TestEachSizeMayBeGivenBesideQuick(t *testing.T) {
	want := quick()
	want.workloads, want.only = 7, largeHistory
	got, err := parse([]string{"-workloads", "7", "-only", "history", "-quick"})
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(want, got, cmp.AllowUnexported(sizes{})); difference != "" {
		t.Errorf("sizes (-want +got):\n%s", difference)
	}
	for reason, args := range map[string][]string{
		"a mean over nothing":           {"-per-step", "0"},
		"a half that there is not":      {"-only", "everything"},
		"names would differ in length":  {"-workloads", "50001"},
		"an argument that nobody reads": {"quick"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%s: %v is taken", reason, args)
		}
	}
}
