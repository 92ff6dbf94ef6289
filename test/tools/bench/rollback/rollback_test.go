package main

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAQuickRunFillsEveryTable keeps the command from rotting.
func TestAQuickRunFillsEveryTable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process spends is read from /proc")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	var out strings.Builder
	if err := run(ctx, &out, t.Output(), quick()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| image not found (certain) | 2 |",
		"| crash loop beside old pods (strong) | 2 |",
		"| crash loop, Recreate (strong) | 2 |",
		"| 10 at once | 10 |",
		"| 10 deployed in a burst | 10 |",
		"update deployments (dry run) 1.00",
		"kube-apiserver",
		"| the Deployment with progressDeadlineSeconds 5 | says so |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %q in:\n%s", want, out.String())
		}
	}
}

func TestEachSizeMayBeGivenBesideQuick(t *testing.T) {
	want := quick()
	want.wave, want.helm = 7, true
	got, err := parse([]string{"-wave", "7", "-helm", "-quick"})
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(want, got, cmp.AllowUnexported(sizes{})); difference != "" {
		t.Errorf("sizes (-want +got):\n%s", difference)
	}
	for reason, args := range map[string][]string{
		"nothing is measured":           {"-singles", "0", "-wave", "0", "-deadline", "0"},
		"less than nothing":             {"-wave", "-1"},
		"names would differ in length":  {"-wave", "10001"},
		"an argument that nobody reads": {"quick"},
	} {
		if _, err := parse(args); err == nil {
			t.Errorf("%s: %v is taken", reason, args)
		}
	}
}
