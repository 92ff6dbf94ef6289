package diff_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/diff"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pairs are neighbouring revisions of the fixtures.
var pairs = []struct{ name, folder, old, new string }{
	{"tutorial-1-2", tutorial, "1-healthy", "2-broken"},
	{"tutorial-2-3", tutorial, "2-broken", "3-fixed-limit"},
	{"tutorial-3-4", tutorial, "3-fixed-limit", "4-fixed-request"},
	{"tutorial-4-5", tutorial, "4-fixed-request", "5-bad-image"},
	{"tutorial-5-6", tutorial, "5-bad-image", "6-crashloop"},
	{"tutorial-6-7", tutorial, "6-crashloop", "7-failing-probe"},
	{"tutorial-7-1", tutorial, "7-failing-probe", "1-healthy"},
	{"files-content-only", edge, "files-rev1", "files-rev2-content-only"},
	{"files-gone", edge, "files-rev1", "no-resources"},
	{"lost-state", edge, "lost-state-rev1", "lost-state-rev2"},
	{"fractional-memory", edge, "mem-decimal-vs-binary-good", "fractional-mem"},
	{"second-container", edge, "no-resources", "multi-container-second-bad"},
}

func TestRevisions_Golden(t *testing.T) {
	for _, pair := range pairs {
		t.Run(pair.name, func(t *testing.T) {
			got := everyForm(t, compare(t, fixture(t, pair.folder, pair.old), fixture(t, pair.folder, pair.new)))
			golden := filepath.Join("testdata", "golden", pair.name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("run go test ./diff -update if it should read so: (-want +got)\n%s", d)
			}
		})
	}
}

func everyForm(t *testing.T, changes diff.Changes) string {
	t.Helper()
	var out strings.Builder
	for _, budget := range []int{1024, 160, 60} {
		fmt.Fprintf(&out, "## short, %d bytes\n%s\n\n", budget, changes.Short(budget))
	}
	fmt.Fprintf(&out, "## long\n%s\n", changes.Long(diff.LongOptions{}))
	fmt.Fprintf(&out, "## long, 60 columns, Kubernetes' terms, in color\n%s\n",
		strings.ReplaceAll(changes.Long(diff.LongOptions{Color: true, Width: 60, Kubernetes: true}), "\x1b", "␛"))
	encoded, err := changes.JSON()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "## JSON\n%s", encoded)
	return out.String()
}
