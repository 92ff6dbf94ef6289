package diff_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/diff"
)

func TestChanges_Short_KeepsItsBudget(t *testing.T) {
	changes := diff.Changes{
		{Field: "a", Kind: diff.Modified, Old: "1", New: "2"},
		{Field: "b", Kind: diff.Added, New: strings.Repeat("ä", 200)},
		{Field: "c", Kind: diff.Removed},
	}
	for budget := -1; budget < 300; budget++ {
		if short := changes.Short(budget); len(short) > max(budget, 0) {
			t.Errorf("%d bytes for a budget of %d: %q", len(short), budget, short)
		}
	}
	for budget, want := range map[int]string{
		300: "a 1 → 2, b added (" + strings.Repeat("ä", 30) + "…), c removed",
		40:  "a 1 → 2, b added, c removed",
		26:  "a 1 → 2, 2 more changes",
		9:   "3 changes",
		8:   "",
	} {
		if got := changes.Short(budget); got != want {
			t.Errorf("with %d bytes got %q, want %q", budget, got, want)
		}
	}
}

func TestChange_String(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := map[string]struct {
		reason string
		change diff.Change
		want   string
	}{
		"Masked": {
			reason: "of a credential that changed no value is told",
			change: diff.Change{Field: "a", Kind: diff.Modified, Old: "***", New: "***"},
			want:   "a changed",
		},
		"Empty": {
			reason: "an empty value can be seen",
			change: diff.Change{Field: "a", Kind: diff.Modified, Old: "", New: "x"},
			want:   `a "" → x`,
		},
		"LateDifference": {
			reason: "of two long values the difference is shown, not their beginning",
			change: diff.Change{Field: "a", Kind: diff.Modified, Old: long + "1", New: long + "2"},
			want:   "a …xxxxxxxxxx1 → …xxxxxxxxxx2",
		},
		"SeveralLines": {
			reason: "an event ends at its first newline",
			change: diff.Change{Field: "a", Kind: diff.Modified, Old: "1\n2", New: "1\r\n3"},
			want:   "a 1 2 → 1 3",
		},
		"Escapes": {
			reason: "nothing steers the reader's terminal",
			change: diff.Change{Field: "a\x1b[2J", Kind: diff.Added, New: "\x1b[31m\u202etxt\xff"},
			want:   `a\x1b[2J added (\x1b[31m\u202etxt` + "�)",
		},
		"Number": {
			reason: "numbers are whole, also when they come back from JSON",
			change: diff.Change{Field: "a", Kind: diff.Modified, Old: int64(1000000), New: float64(2000000)},
			want:   "a 1000000 → 2000000",
		},
		"Probe": {
			reason: "a probe is told by what it asks",
			change: diff.Change{Field: "a", Kind: diff.Added, New: map[string]any{
				"exec": map[string]any{"command": []any{"pg_isready", "-U", "me"}}, "periodSeconds": int64(3)}},
			want: `a added (exec ["pg_isready","-U","me"], periodSeconds 3)`,
		},
		"TagAndDigest": {
			reason: "another way to name the version keeps the repository",
			change: diff.Change{Field: "containers.a.image", Kind: diff.Modified, Old: "r:5000/app:1", New: "r:5000/app@sha256:0123"},
			want:   "containers.a.image r:5000/app:1 → r:5000/app@sha256:0123",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, tt.change.String()); d != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.reason, d)
			}
		})
	}
}

func TestChanges_JSON_ReadsBackTheSame(t *testing.T) {
	changes := compare(t, fixture(t, tutorial, "1-healthy"), fixture(t, tutorial, "6-crashloop"))
	encoded, err := changes.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var decoded diff.Changes
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(changes.Short(1024), decoded.Short(1024)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(changes.Long(diff.LongOptions{}), decoded.Long(diff.LongOptions{})); d != "" {
		t.Error(d)
	}
}

func TestChanges_None(t *testing.T) {
	encoded, err := diff.Changes(nil).JSON()
	if err != nil || string(encoded) != "[]\n" {
		t.Errorf("got %q, %v", encoded, err)
	}
	if got := diff.Changes(nil).Short(100); got != "no change" {
		t.Errorf("got %q", got)
	}
	if got := diff.Changes(nil).Long(diff.LongOptions{}); got != "no change\n" {
		t.Errorf("got %q", got)
	}
}
