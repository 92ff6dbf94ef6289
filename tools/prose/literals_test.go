package main

import (
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

func TestSentences(t *testing.T) {
	for _, test := range []struct {
		name, source string
		want         []line
		reason       string
	}{
		{
			name: "flag", source: `flags.String("to", "", "number of the revision")`,
			want: []line{{"number of the revision", 3}}, reason: "names and defaults have fewer than three words",
		},
		{
			name: "joined", source: `f("the pod " + name + " has failed")`,
			want: []line{{"the pod X has failed", 3}}, reason: "a sentence in parts is one sentence",
		},
		{
			name: "raw", source: "f(`Show the revision.\n\nIt was recorded before.`)",
			want: []line{{"Show the revision.", 3}, {"", 4}, {"It was recorded before.", 5}}, reason: "each line keeps its place",
		},
		{name: "code", source: `f("input.review.object == what the user sent")`, reason: "an operator is a sign of code"},
		{name: "pattern", source: "regexp.MustCompile(`connection refused or timed out`)", reason: "a pattern matches the words of others"},
		{name: "sum", source: `f(a + b)`, reason: "a sum of numbers is no text"},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, "a.go", "package a\nfunc g() {\n"+test.source+"\n}\n", 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []line
			for _, text := range sentences(files, file) {
				got = append(got, text...)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s:\n got %v\nwant %v", test.reason, got, test.want)
			}
		})
	}
}

func TestShown(t *testing.T) {
	for path, want := range map[string]bool{
		"history/record.go":         true,
		"history/record_test.go":    false,
		"test/tools/demo/main.go":   true,
		"test/harness/load/load.go": false,
		"tools/prose/main.go":       false,
	} {
		if got := shown(path); got != want {
			t.Errorf("shown(%q) = %v, want %v", path, got, want)
		}
	}
}
