package story

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the golden files anew")

// looks are what every page is printed on: two terminals, and a pipe.
var looks = map[string]Terminal{
	"80": {Width: 80}, "200": {Width: 200}, "80-color": {Width: 80, Color: true}, "200-color": {Width: 200, Color: true}, "pipe": {},
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", "golden", file)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}

// fits fails the test where a line is wider than the terminal; logs are printed as they are.
func fits(t *testing.T, look Terminal, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(colors.ReplaceAllString(line, ""), "\n")
		if look.Width > 0 && utf8.RuneCountInString(line) > look.Width && !strings.Contains(line, "  event: ") {
			t.Errorf("wider than %d: %s", look.Width, line)
		}
		if !look.Color && strings.Contains(line, "\x1b") {
			t.Errorf("colored: %q", line)
		}
	}
}

// fleet are workloads in every state, in two namespaces.
func fleet() []Status {
	gone, unrecorded := rolledBack(), left()
	gone.Deployment, gone.Name = nil, "gone"
	unrecorded.Name, unrecorded.Namespace = "unrecorded", "till"
	unrecorded.Deployment.Spec.MinReadySeconds = 9
	under := shop(revision(1, v1alpha1.PhaseProgressing, 20*time.Second))
	under.Name = "new"
	var all []Status
	for _, w := range []Workload{rolledBack(), left(), under, gone, unrecorded} {
		all = append(all, StatusOf(w, now))
	}
	return all
}

func TestTable_Write(t *testing.T) {
	for name, look := range looks {
		tables := map[string]Table{
			"history": HistoryTable(rolledBack(), now), "history-left": HistoryTable(left(), now),
			"status": StatusTable(fleet(), false, now), "status-all": StatusTable(fleet(), true, now),
			"status-denied-all": StatusTable(append(fleet(), StatusOf(denied(t, excess), now)), true, now),
		}
		for table, content := range tables {
			for _, wide := range []bool{false, true} {
				if wide && (look.Width == 80 || look.Color) {
					continue // More columns than fit say nothing new.
				}
				var out bytes.Buffer
				if err := content.Write(&out, look, wide, true); err != nil {
					t.Fatal(err)
				}
				file := fmt.Sprintf("%s.%s", table, name)
				if wide {
					file += "-wide"
				}
				golden(t, file, out.String())
				fits(t, look, out.String())
			}
		}
	}
}

func TestPage_Golden(t *testing.T) {
	noted := Diagnosis{Workload: left(), Revision: left().DefaultFailure()} // The snapshots cannot be read.
	asked := rolledBack()
	asked.History[1].Status = v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseHealthy, PhaseTransitionTime: past(time.Minute), Rollback: &v1alpha1.Rollback{
		State: v1alpha1.RollbackDone, ToRevision: 1, Request: "reprise.dev/rollback-to=1@2", CompletionTime: past(time.Minute),
	}}
	outside := rolledBack()
	outside.History[1].Status.Failure.Reason = v1alpha1.FailureExternalCause
	fixed := shop(append(rolledBack().History, revision(4, v1alpha1.PhaseHealthy, 50*time.Second))...)
	why := func(w Workload, n int64) Diagnosis {
		return Diagnosis{Workload: w, Revision: w.History.Number(n), Changes: changes}
	}
	for name, look := range looks {
		for file, text := range map[string]string{
			"why":            why(rolledBack(), 2).Why(look, now),
			"why-core":       why(rolledBack(), 2).Core(look, now),
			"why-healthy":    why(rolledBack(), 3).Why(look, now),
			"why-left":       noted.Why(look, now),
			"why-asked":      why(asked, 2).Why(look, now),
			"why-outside":    why(outside, 2).Why(look, now),
			"why-fixed":      why(fixed, 2).Why(look, now),
			"status-page":    StatusPage(rolledBack(), look, now),
			"status-left":    StatusPage(left(), look, now),
			"status-nothing": StatusPage(shop(), look, now),
			"status-denied":  StatusPage(denied(t, excess, untagged), look, now),
			"denied":         denied(t, excess).WhyDenied(look, now),
			"denied-several": denied(t, excess, untagged).WhyDenied(look, now),
			"denied-again":   quarantinedAgain(t).WhyDenied(look, now),
		} {
			golden(t, file+"."+name, text)
			fits(t, look, text)
		}
	}
}

// colors are the sequences that paint writes.
var colors = regexp.MustCompile("\x1b\\[[0-9]+m")
