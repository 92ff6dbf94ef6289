package main

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	out := "ok  \treprise.dev/reprise/history\t0.151s\tcoverage: 81.2% of statements\n" +
		"ok  \treprise.dev/reprise/diff\t(cached)\tcoverage: 97.0% of statements\n" +
		"\treprise.dev/reprise/version\t\tcoverage: 0.0% of statements\n" +
		"ok  \treprise.dev/reprise/charts\t0.1s\tcoverage: [no statements]\n" +
		"?   \treprise.dev/reprise/api\t[no test files]\n"
	want := []coverage{{"diff", 97}, {"history", 81.2}, {"version", 0}}
	if got := parse(out, "reprise.dev/reprise"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBelow(t *testing.T) {
	packages := []coverage{{"cli", 85}, {"cli/ask", 60}, {"history", 80}, {"historyless", 1}}
	for _, test := range []struct {
		named        []string
		want, reason string
	}{
		{named: []string{"history"}, reason: "the minimum itself is enough, and another package with that prefix does not count"},
		{named: []string{"cli"}, reason: "packages below are named by /... only"},
		{named: []string{"cli/..."}, want: "cli/ask: 60.0% of its statements are tested, 80% are asked for", reason: "a package below"},
		{named: []string{"gone"}, want: "gone: no such package, or one without statements", reason: "a rename lifts no minimum"},
	} {
		got := ""
		if err := below(packages, 80, test.named); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%v: %s: got %q, want %q", test.named, test.reason, got, test.want)
		}
	}
}
