package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestCPUTimeIsReadBehindANameWithSpaces(t *testing.T) {
	const stat = "42 (a name) with) S 1 42 42 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 9 0 1 2 3"
	if got, err := cpuIn(stat); err != nil || got != 1750*time.Millisecond {
		t.Errorf("%s, %v; want 1.75s", got, err)
	}
	for _, broken := range []string{"", "42 (a) S 1", strings.Replace(stat, "150", "x", 1)} {
		if _, err := cpuIn(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestATableComparesWithTheRowsBefore(t *testing.T) {
	times := func(d time.Duration) []time.Duration { return []time.Duration{d, d, d} }
	var out strings.Builder
	print(&out, sizes{creates: 3}, []row{
		{hook: "no hook", concurrency: 1, took: times(2 * time.Millisecond)},
		{hook: nothingName, concurrency: 1, cpu: time.Millisecond, took: times(3 * time.Millisecond)},
		{hook: "Reprise, 1 rule", concurrency: 1, cpu: 1500 * time.Microsecond, took: times(4 * time.Millisecond)},
	})
	if want := "| Reprise, 1 rule | 1 | 1.50 | 1.50 | 4.00 | 4.00 | 2.00 |\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("the table ends otherwise than %q:\n%s", want, out.String())
	}
}

// TestAQuickRunFillsTheTable keeps the command from rotting.
func TestAQuickRunFillsTheTable(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out strings.Builder
	if err := run(ctx, &out, t.Output(), sizes{creates: 100}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| Reprise, 1 rule | 1 | ", "| Reprise, 50 rules | 16 | ", "| Reprise, the built-in policies | 16 | "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %q in:\n%s", want, out.String())
		}
	}
}

// TestMain has the test's program be the hook that does nothing too, as the command is.
func TestMain(m *testing.M) {
	for _, argument := range os.Args[1:] {
		if strings.HasPrefix(argument, "--serve-nothing=") {
			main()
		}
	}
	os.Exit(m.Run())
}
