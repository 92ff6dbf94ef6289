package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWrapFitsTheWidthAndLosesNothing(t *testing.T) {
	tests := map[string]struct{ reason, text string }{
		"short":     {"one line stays one", "hello there"},
		"long":      {"it breaks at spaces", strings.Repeat("some words → ", 40)},
		"long word": {"a word that fits nowhere is broken", "see " + strings.Repeat("ä", 250) + " there"},
		"exact":     {"a word as long as a line stays whole", strings.Repeat("x", width-4)},
		"empty":     {"nothing stays nothing", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := wrap(tt.text, "    ")
			for _, line := range strings.Split(got, "\n") {
				if utf8.RuneCountInString(line) > width {
					t.Errorf("%s: %q is wider than %d", tt.reason, line, width)
				}
			}
			joined := strings.NewReplacer(" ", "", "\n", "")
			if joined.Replace(got) != joined.Replace(tt.text) {
				t.Errorf("%s: got %q", tt.reason, got)
			}
		})
	}
	if got := wrap(strings.Repeat("x", width-4), "    "); strings.Contains(got, "\n") {
		t.Errorf("a word as long as a line was broken: %q", got)
	}
}
