package plugin

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"reprise.dev/reprise/test/product"
)

// output is what a running command has printed so far.
type output struct {
	mu      sync.Mutex
	printed bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.printed.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.printed.String()
}

func TestStatusFollowsUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	p := newPlace(t, quick)
	p.apply(tutorial("1-healthy"))
	p.becomes("sample-app", "1 Healthy")
	command := p.command("kubectl", "reprise", "-n", p.namespace, "status", "-w")
	printed := &output{}
	command.Stdout, command.Stderr = printed, printed
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	shows := func(words string) {
		t.Helper()
		product.Eventually(t, func() (bool, string) { return strings.Contains(printed.String(), words), printed.String() })
	}
	shows("sample-app   1          Healthy")
	p.apply(tutorial("3-fixed-limit"))
	shows("2          Healthy")
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := p.exit(command.Wait()); code != 0 {
		t.Errorf("exit code %d, want 0: it is how it ends", code)
	}
	if said := printed.String(); strings.Count(said, "NAME ") != 1 {
		t.Errorf("the headings are not printed once:\n%s", said)
	}
}

func TestAWaitMovesOnATerminalOnly(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "4s"})
	healthy := tutorial("1-healthy")
	p.apply(healthy)
	shown := p.onTerminal(80, "", "wait", "-f", healthy)
	shown.says(p, 0, "\r\x1b[K", " #1 is Progressing", "pods ready (", "sample-app #1 is Healthy")
	p.apply(tutorial("3-fixed-limit"))
	piped := p.reprise("wait", "-f", tutorial("3-fixed-limit"))
	piped.says(p, 0, "sample-app #2 is Healthy: podinfo:6.7.1")
	if piped.errors != "" || strings.Count(piped.out, "\n") != 1 {
		t.Errorf("in a pipe it says more than the end:\n%s%s", piped.out, piped.errors)
	}
	p.reprise("logs", "-f", "--tail", "5").says(p, 0, "/frontend] starting frontend")
}
