package plugin

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestWhatIsPrintedOnTerminalsAndInAPipe holds what the built binary prints of the exercise's story
// to golden files: on two widths and in a pipe. Where lines are folded is left out, since that
// depends on how long ages are; each must fit.
func TestWhatIsPrintedOnTerminalsAndInAPipe(t *testing.T) {
	t.Parallel()
	p := rolledBack(t)
	for name, words := range map[string][]string{
		"status": {"status"}, "status-wide": {"status", "-o", "wide"}, "status-all": {"status", "sample-app"}, "history": {"history"},
		"why": {"why"}, "diff": {"diff"}, "rollback": {"rollback", "--to", "2", "--dry-run"},
	} {
		for _, columns := range []int{80, 200, 0} {
			if columns == 80 && name == "status-wide" {
				continue // More columns than fit say nothing new.
			}
			var shown typed
			file := fmt.Sprintf("%s.%d", name, columns)
			if columns == 0 {
				file = name + ".pipe"
				shown = p.reprise(words...)
			} else {
				shown = p.onTerminal(uint16(columns), "", words...)
			}
			if shown.code != 0 {
				t.Errorf("%v ends with %d:\n%s%s", words, shown.code, shown.out, shown.errors)
			}
			for line := range strings.Lines(plain(shown.out)) {
				if width := len([]rune(strings.TrimSuffix(line, "\n"))); columns > 0 && width > columns && !strings.Contains(line, "  event: ") {
					t.Errorf("%v: %d columns of %d: %s", words, width, columns, line)
				}
			}
			if colored := shown.out != plain(shown.out); colored != (columns > 0) {
				t.Errorf("%v: it is colored: %v:\n%q", words, colored, shown.out)
			}
			p.golden(file, shown.out)
		}
	}
}

// golden holds what was printed to a file, but for what differs from run to run.
func (p place) golden(file, printed string) {
	p.Helper()
	got := normal(unfolded(strings.ReplaceAll(plain(printed), p.Namespace, "NAMESPACE")))
	path := filepath.Join("testdata", "golden", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			p.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		p.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

// cell is one of a table that was cut; where, depends on how wide the ages beside it are.
var cell = regexp.MustCompile(` {2}(\S.)(?:\S| \S)* ?…`)

// unfolded puts prose together again that was folded, and cuts what was cut to its beginning.
func unfolded(text string) string {
	var out string
	for line := range strings.Lines(text) {
		words := strings.TrimSpace(line)
		goesOn := words != "" && unicode.IsLower([]rune(words)[0]) && !strings.HasPrefix(words, "sample-app ") && !strings.HasPrefix(words, "kubectl ") && !strings.HasPrefix(words, "event: ")
		if goesOn && strings.HasSuffix(out, "\n") && !strings.HasSuffix(out, "\n\n") {
			out, line = strings.TrimSuffix(out, "\n"), " "+words+"\n"
		}
		out += line
	}
	return cell.ReplaceAllString(out, "  $1…")
}
