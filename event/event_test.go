package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/event"
)

func TestMessage_OneLineWithinItsLimit(t *testing.T) {
	changes := diff.Changes{
		{Field: "containers.frontend.image", Kind: diff.Modified, Old: "a:6.7.0", New: "a:6.7.1"},
		{Field: "containers.frontend.args", Kind: diff.Added, New: "x"},
	}
	tests := map[string]struct {
		reason, cause, next, want string
		changes                   diff.Changes
	}{
		"Whole": {
			reason: "the cause first, then the diff, then what to do next",
			cause:  "container frontend exits 1:\nno config", changes: changes, next: "details: kubectl describe wrev a-5",
			want: "container frontend exits 1: no config; containers.frontend.image 6.7.0 → 6.7.1, containers.frontend.args added (x); details: kubectl describe wrev a-5",
		},
		"Masked":  {reason: "credentials stay hidden", cause: "bad PASSWORD=hunter2", want: "bad PASSWORD=***"},
		"Invalid": {reason: "invalid UTF-8 is replaced", cause: "a\xffb", want: "a�b"},
		"Long": {
			reason: "a cause that fills the line drives the diff out, and the next step stays",
			cause:  strings.Repeat("ä", 700), changes: changes, next: "next",
			want: strings.Repeat("ä", 507) + "…; next",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := event.Message(tt.cause, tt.changes, tt.next)
			if got != tt.want {
				t.Errorf("%s:\n got %q\nwant %q", tt.reason, got, tt.want)
			}
			if len(got) > event.MaxMessage || !utf8.ValidString(got) || strings.Contains(got, "\n") {
				t.Errorf("%s: %d bytes, valid %v", tt.reason, len(got), utf8.ValidString(got))
			}
		})
	}
}

func TestDenialAnnotations_MaskedAndLimited(t *testing.T) {
	given := v1alpha1.Denial{Failed: 2}
	for range 40 {
		given.Violations = append(given.Violations, v1alpha1.Violation{Policy: "p", Message: "bad PASSWORD=hunter2 " + strings.Repeat("ä", 2000)})
	}
	var changes diff.Changes
	for range 100 {
		changes = append(changes, diff.Change{Field: "containers.a.args", Kind: diff.Modified, Old: "PASSWORD=hunter1", New: "PASSWORD=hunter2"})
	}
	annotations, err := event.DenialAnnotations(given, changes)
	if err != nil {
		t.Fatal(err)
	}
	text := annotations[v1alpha1.DenialAnnotation]
	var got v1alpha1.Denial
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Failed != 2 || len(got.Violations)+int(got.More) != 40 || len(got.Violations) != 20 || len(got.Changes) != 41 || len(text) > 64<<10 {
		t.Errorf("%d bytes: %d violations and %d more, %d lines of changes", len(text), len(got.Violations), got.More, len(got.Changes))
	}
	if strings.Contains(text, "hunter") {
		t.Error("a credential is shown")
	}
}
