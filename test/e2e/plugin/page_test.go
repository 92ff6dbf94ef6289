package plugin

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/test/harness/cluster"
)

var update = flag.Bool("update", false, "write the outputs on the page anew")

// fence is a fenced block of the page, with the comment before it: "output" and "failure" are all
// that the commands before it print, with exit code 0 or another; "says" is a part of what a
// command that fails prints.
var fence = regexp.MustCompile("(?ms)(?:^<!-- ([^\n]*) -->\n)?^```([a-z]*)\n(.*?)^```$")

// patience is how often an answer is asked for again that comes out of events: they are told after
// what they tell of.
const patience = 20

// block is one of them, by where it stands in the page.
type block struct {
	says, language, text string
	start, end           int
}

func blocksOf(page string) []block {
	var all []block
	for _, at := range fence.FindAllStringSubmatchIndex(page, -1) {
		b := block{language: page[at[4]:at[5]], text: page[at[6]:at[7]], start: at[6], end: at[7]}
		if at[2] >= 0 {
			b.says = page[at[2]:at[3]]
		}
		all = append(all, b)
	}
	return all
}

// TestTheTutorialLeadsFromTheDemoToTheFixedDeploy types the page's commands from top to bottom and
// compares what they print.
func TestTheTutorialLeadsFromTheDemoToTheFixedDeploy(t *testing.T) {
	t.Parallel()
	newPlace(t, nil)
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "tutorial.md")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	blocks := blocksOf(page)
	if fences := strings.Count(page, "\n```"); 2*len(blocks) != fences {
		t.Fatalf("%d blocks are read of a page with %d fences", len(blocks), fences)
	}
	reader := newShell(t, root)
	fresh, done := "", 0
	for i, b := range blocks {
		if b.language != "sh" {
			continue
		}
		out, ok := reader.run(t, b.text)
		next := block{}
		if i+1 < len(blocks) {
			next = blocks[i+1]
		}
		for range patience {
			if !strings.HasPrefix(b.text, "kubectl reprise why") || normal(next.text) == normal(out) {
				break
			}
			time.Sleep(500 * time.Millisecond)
			out, ok = reader.run(t, b.text)
		}
		if wantsSuccess := next.says != "failure" && next.says != "says"; ok != wantsSuccess {
			t.Fatalf("%s: success is %v:\n%s", b.text, ok, out)
		}
		switch next.says {
		case "output", "failure":
			fresh += page[done:next.start] + out
			done = next.end
			if diff := cmp.Diff(normal(next.text), normal(out)); diff != "" && !*update {
				t.Errorf("%s: output differs (-page +real):\n%s", b.text, diff)
			}
		case "says":
			if !strings.Contains(out, strings.TrimSpace(next.text)) {
				t.Errorf("%s: it lacks %q:\n%s", b.text, next.text, out)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, []byte(fresh+page[done:]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// differing is what differs from run to run: ages, times, names of pods, how often a container had
// crashed by then and what the cluster had said of it.
var differing = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`(?m)^  event: .*\n`), ""},
	{regexp.MustCompile(`(?m)^  (CrashLoopBackOff|Error), exit code 1, .*$`), "  Error, exit code 1"},
	{regexp.MustCompile(`\b[0-9]+ restarts?\b`), "RESTARTS"},
	{regexp.MustCompile(`\b[0-9]{2}:[0-9]{2}:[0-9]{2} UTC\b`), "TIME"},
	{regexp.MustCompile(`sample-app-[0-9a-f]{6,10}-[a-z0-9]{5}\b`), "POD"},
	{regexp.MustCompile(`\b([0-9]+(ms|[smh]))+\b`), "AGE"},
	{regexp.MustCompile(` {2,}`), "  "},
}

// cutOff is a cell of a table that was cut: where, depends on how wide the ages are.
var cutOff = regexp.MustCompile(`( {2}\S.{8})(?: ?[^ \n])*?…`)

func normal(text string) string {
	text = cutOff.ReplaceAllString(text, "$1…")
	for _, d := range differing {
		text = d.what.ReplaceAllString(text, d.as)
	}
	return text
}

// shell is where the page's reader types, with a kubeconfig of their own.
type shell struct {
	folder      string
	environment []string
}

func newShell(t *testing.T, root string) *shell {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	kubeconfig, err := os.ReadFile(shared.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(own, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return &shell{folder: root, environment: append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "KUBECONFIG="+own, "TERM=xterm", "NO_COLOR=1")}
}

// run types commands, a line each, and returns what they print. All but the last must succeed.
func (s *shell) run(t *testing.T, script string) (out string, ok bool) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for i, line := range lines {
		if folder, changes := strings.CutPrefix(line, "cd "); changes {
			s.folder = filepath.Join(s.folder, folder)
			continue
		}
		command := exec.CommandContext(t.Context(), "bash", "-c", line)
		command.Dir, command.Env = s.folder, s.environment
		terminal, err := pty.StartWithSize(command, &pty.Winsize{Cols: 120, Rows: 50})
		if err != nil {
			t.Fatal(err)
		}
		var shown bytes.Buffer
		_, _ = shown.ReadFrom(terminal) // It ends with an error of its own once nobody holds the other end.
		_ = terminal.Close()
		out += stays(shown.String())
		switch err := command.Wait(); {
		case err != nil && i < len(lines)-1:
			t.Fatalf("%s: %v\n%s", line, err, out)
		case err != nil:
			return out, false
		}
	}
	return out, true
}

// stays is what stays on a terminal of what was shown: the line of a wait is wiped out.
func stays(shown string) string {
	var out string
	for line := range strings.Lines(strings.ReplaceAll(shown, "\r\n", "\n")) {
		out += line[strings.LastIndex(line, wipe)+1:]
	}
	return strings.ReplaceAll(out, strings.TrimPrefix(wipe, "\r"), "")
}

// wipe begins a line of a terminal anew.
const wipe = "\r\x1b[K"
