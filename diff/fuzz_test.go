package diff_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

// FuzzRevisions compares any two intents and files: nothing panics, nothing differs from itself,
// the way back is the mirror of the way there, and the short form is valid and within its budget.
func FuzzRevisions(f *testing.F) {
	seeds := []string{
		`{"labels":{"a":"b"},"spec":{"template":{"spec":{"containers":[{"name":"a","image":"x:1","env":[{"name":"A","value":"1"},{"name":"A"}],` +
			`"ports":[{"containerPort":1},{"containerPort":1,"protocol":"TCP","name":"x"}],"resources":{"limits":{"cpu":"1000m","memory":"0.5Gi"}}}]}}}}`,
		`{"annotations":{"token":"x"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"a","image":"x:latest",` +
			`"command":["--password","y"],"env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"x"}}}],"ports":[{"containerPort":1}],` +
			`"readinessProbe":{"httpGet":{"port":"http"}},"resources":{"limits":{"cpu":"1","memory":"512Mi"}}}],` +
			`"volumes":[{"name":"v"},{"name":"w","emptyDir":{}}],"tolerations":[{"key":"a"}]}}}}`,
		`{}`,
	}
	for _, old := range seeds {
		for _, new := range seeds {
			f.Add(old, new, "a: b\npassword: |\n  c\n", "a: b\x00", 80)
		}
	}
	f.Fuzz(func(t *testing.T, oldJSON, newJSON, oldFile, newFile string, budget int) {
		old, new := fuzzed(oldJSON, oldFile), fuzzed(newJSON, newFile)
		changes, err := diff.Revisions(old, new)
		if err != nil {
			return // No API server would store it.
		}
		again, back := compare(t, old, new), compare(t, new, old)
		if d := cmp.Diff(changes, again); d != "" {
			t.Errorf("the second time differs: %s", d)
		}
		// Lines may be matched in another way on the way back.
		byLines := cmpopts.IgnoreFields(diff.FileChange{}, "LinesAdded", "LinesRemoved", "Hunks")
		if d := cmp.Diff(changes, mirrored(back), byLines); d != "" {
			t.Errorf("the way back is no mirror: (-there +back)\n%s", d)
		}
		for _, side := range []diff.Revision{old, new} {
			if same := compare(t, side, side); len(same) > 0 {
				t.Errorf("a revision differs from itself: %s", same.Short(1024))
			}
		}
		short := changes.Short(budget)
		if len(short) > max(budget, 0) || !utf8.ValidString(short) {
			t.Errorf("%d bytes for %d, %q", len(short), budget, short)
		}
		long := changes.Long(diff.LongOptions{Color: true, Width: budget})
		if encoded, err := changes.JSON(); err != nil || !json.Valid(encoded) || !utf8.ValidString(long) {
			t.Errorf("%v, %q", err, long)
		}
	})
}

func fuzzed(encoded, file string) diff.Revision {
	var intent workload.Intent
	// What cannot be read whole is compared as far as it was read.
	_ = yaml.Unmarshal([]byte(encoded), &intent)
	return diff.Revision{Intent: intent, Files: diff.Files{{Container: "a", Path: "/f"}: {Data: []byte(file)}}}
}

// mirrored turns changes round.
func mirrored(changes diff.Changes) diff.Changes {
	turned := map[diff.Kind]diff.Kind{diff.Added: diff.Removed, diff.Removed: diff.Added, diff.Modified: diff.Modified}
	for i := range changes {
		c := &changes[i]
		c.Kind, c.Old, c.New = turned[c.Kind], c.New, c.Old
		if c.File != nil {
			c.File.OldBytes, c.File.NewBytes = c.File.NewBytes, c.File.OldBytes
		}
	}
	return changes
}
