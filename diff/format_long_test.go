package diff_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/diff"
)

func TestChanges_Long(t *testing.T) {
	tests := map[string]struct {
		reason string
		change diff.Change
		width  int
		want   string
	}{
		"Script": {
			reason: "a text of several lines is compared by lines",
			change: diff.Change{Field: "a", Kind: diff.Modified, Old: "set -e\nrun --fast\n", New: "set -e\nrun --safe\n"},
			want:   "~ a\n     set -e\n    -run --fast\n    +run --safe\n",
		},
		"Structure": {
			reason: "a list of structures is compared as YAML",
			change: diff.Change{Field: "tolerations", Kind: diff.Modified,
				Old: []any{map[string]any{"key": "a", "operator": "Exists"}},
				New: []any{map[string]any{"key": "b", "operator": "Exists"}}},
			want: "~ tolerations\n    -- key: a\n    +- key: b\n       operator: Exists\n",
		},
		"Wide": {
			reason: "what does not fit stands below its name",
			change: diff.Change{Field: "field", Kind: diff.Modified, Old: "some words", New: "other words"},
			width:  20,
			want:   "~ field\n    -some words\n    +other words\n",
		},
		"Masked": {
			reason: "of a credential that changed no value is told, whatever the width",
			change: diff.Change{Field: "field", Kind: diff.Modified, Old: "***", New: "***"},
			width:  5,
			want:   "~ field\n    changed\n",
		},
		"Escapes": {
			reason: "nothing steers the reader's terminal",
			change: diff.Change{Field: "field", Kind: diff.Removed, Old: "\x1b[2Jx"},
			want:   "- field: \\x1b[2Jx\n",
		},
		"Binary": {
			reason: "of a binary file the sizes are told",
			change: diff.Change{Field: "field", Kind: diff.Modified, File: &diff.FileChange{Binary: true, OldBytes: 1, NewBytes: 3}},
			width:  5,
			want:   "~ field: binary, 1 byte → 3 bytes\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, diff.Changes{tt.change}.Long(diff.LongOptions{Width: tt.width})); d != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.reason, d)
			}
		})
	}
}
