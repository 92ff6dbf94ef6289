package plugin

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
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

// following is a command that goes on.
type following struct {
	place
	command *exec.Cmd
	output
}

// follow types kubectl reprise, in a pipe, and does not wait for its end.
func (p place) follow(words ...string) *following {
	p.Helper()
	f := &following{place: p, command: p.command(append([]string{"kubectl", "reprise", "-n", p.Namespace}, words...)...)}
	f.command.Stdout, f.command.Stderr = f, f
	if err := f.command.Start(); err != nil {
		p.Fatal(err)
	}
	return f
}

// shows waits until it has printed the words.
func (f *following) shows(words string) {
	f.Helper()
	f.until(func(said string) bool { return strings.Contains(said, words) })
}

func (f *following) until(shown func(said string) bool) {
	f.Helper()
	product.Eventually(f, func() (bool, string) { said := f.String(); return shown(said), said })
}

// interrupt types Ctrl-C.
func (f *following) interrupt() {
	f.Helper()
	if err := f.command.Process.Signal(os.Interrupt); err != nil {
		f.Fatal(err)
	}
	f.ends()
}

// ends waits for the end, which is no failure.
func (f *following) ends() {
	f.Helper()
	if code := f.exit(f.command.Wait()); code != 0 {
		f.Errorf("exit code %d, want 0:\n%s", code, f)
	}
}

func TestStatusFollowsUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	all := p.follow("status", "-w")
	all.shows("no workload that Reprise guards in namespace " + p.Namespace)
	p.Apply("1-healthy")
	all.shows("sample-app   1          Healthy   1/1")
	one, machine := p.follow("status", "sample-app", "-w", "--no-headers"), p.follow("status", "-w", "-o", "json")
	one.shows("sample-app   1          Healthy   1/1")
	machine.shows(`"revision": 1`)
	p.Apply("3-fixed-limit")
	for _, f := range []*following{all, one} {
		f.shows("sample-app   2          Healthy   1/1")
	}
	machine.shows(`"revision": 2`)
	p.Kubectl("delete", "deployment", "sample-app")
	all.shows("sample-app   -          gone")
	for _, f := range []*following{all, one, machine} {
		f.interrupt()
	}
	if said := all.String(); strings.Count(said, "NAME ") != 1 {
		t.Errorf("the headings are not printed once:\n%s", said)
	}
}

// ticking is a workload that prints a number every 300 ms, in a pod that may crash after a while.
func ticking(t *testing.T, image, then string) string {
	t.Helper()
	return written(t, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ticking
  annotations:
    k8s.score.dev/workload-name: ticking
spec:
  selector: {matchLabels: {app: ticking}}
  template:
    metadata: {labels: {app: ticking}}
    spec:
      containers:
        - {name: main, image: `+image+`, args: ["while true; do echo tick $((++n)); sleep 0.3; done`+then+`"]}
        - {name: beside, image: `+image+`}
`)
}

// written is a file of a manifest.
func written(t *testing.T, manifest string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifests.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var tick = regexp.MustCompile(`(?m)^\[pod/(ticking-[^/]*)/main\] tick ([0-9]+)$`)

// ticks are the numbers that each pod printed, in order.
func ticks(said string) map[string][]int {
	all := map[string][]int{}
	for _, match := range tick.FindAllStringSubmatch(said, -1) {
		n, _ := strconv.Atoi(match[2]) // It is made of digits.
		all[match[1]] = append(all[match[1]], n)
	}
	return all
}

func TestLogsFollowPodsAsTheyComeAndGo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.apply(ticking(t, "first", ""))
	f := p.follow("logs", "ticking", "-f")
	f.shows("/main] tick 3\n")
	p.Kubectl("scale", "deployment/ticking", "--replicas=2")
	f.until(func(said string) bool { return len(ticks(said)) == 2 })

	// The connections break: the logs go on where they were.
	before := ticks(f.String())
	shared.BreakLogs()
	f.until(func(said string) bool {
		for pod, now := range ticks(said) {
			if len(now) < len(before[pod])+3 {
				return false
			}
		}
		return true
	})
	for pod, numbers := range ticks(f.String()) {
		for i, n := range numbers {
			if n != i+1 {
				t.Fatalf("pod %s printed %v: something is missing or there twice", pod, numbers)
			}
		}
	}
	f.shows("/beside] starting beside")

	// Pods that are made instead of others are followed too.
	p.Kubectl("delete", "pod", "-l", "app=ticking", "--wait=false")
	f.until(func(said string) bool { return len(ticks(said)) == 4 })

	// Once another revision runs, and the last pod is gone, nothing more can come.
	p.apply(ticking(t, "second", ""))
	f.ends()
	if said := f.String(); !strings.Contains(said, "ticking #1, ") || !strings.HasSuffix(said, "it does not run any more, and its pods are gone\n") {
		t.Errorf("it does not say why it ends:\n%s", said)
	}
}

func TestLogsFollowAContainerOverItsRuns(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"reprise.dev/rollback": "off"})
	p.apply(ticking(t, "crashing", "; exit 3"))
	p.Becomes("ticking", "1 Progressing")
	f := p.follow("logs", "-f", "-c", "main")
	f.until(func(said string) bool { return strings.Count(said, "/main] starting main\n") >= 3 })
	f.interrupt()
	if said := f.String(); strings.Contains(said, "beside") || strings.Count(said, "starting main\n") > strings.Count(said, "] tick 1\n")+1 {
		t.Errorf("it prints more than is asked for, or runs without their ticks:\n%s", said)
	}
	p.reprise("logs", "-f", "-c", "other").says(p, 2, `there is no container "other"; there are main, beside`)
	p.reprise("logs", "-f", "--previous").says(p, 2, "none of the others can be")
}

func TestAWaitMovesOnATerminalOnly(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "20s"})
	healthy := product.Tutorial(t, "1-healthy")
	p.apply(healthy)
	shown := p.onTerminal(80, "", "wait", "-f", healthy)
	shown.says(p, 0, "\r\x1b[K", " #1 is Progressing", "pods ready (", "sample-app #1 is Healthy")
	p.Apply("3-fixed-limit")
	piped := p.reprise("wait", "-f", product.Tutorial(t, "3-fixed-limit"))
	piped.says(p, 0, "sample-app #2 is Healthy: podinfo:6.7.1")
	if piped.errors != "" || strings.Count(piped.out, "\n") != 1 {
		t.Errorf("in a pipe it says more than the end:\n%s%s", piped.out, piped.errors)
	}
}

func TestStatusIsDrawnInPlaceOnATerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	command := p.command("kubectl", "reprise", "-n", p.Namespace, "status", "-w")
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Cols: 80, Rows: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	shown := &output{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(shown, terminal) // It ends with an error of its own once nobody holds the other end.
	}()
	until := func(words string) {
		t.Helper()
		product.Eventually(t, func() (bool, string) { return strings.Contains(shown.String(), words), shown.String() })
	}
	until("Healthy\x1b[0m   1/1")
	// The next drawing begins where the first did: two lines up.
	until("\x1b[2A\r\x1b[J")
	p.Apply("3-fixed-limit")
	until("   2          \x1b[32mHealthy")
	if _, err := terminal.WriteString("\x03"); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	if code := p.exit(command.Wait()); code != 0 {
		t.Errorf("exit code %d, want 0: it is how it ends", code)
	}
	<-read
	if said := shown.String(); strings.Count(said, "\x1b[?7l") != strings.Count(said, "\x1b[?7h") {
		t.Errorf("the terminal is left without line wrap: %q", said)
	}
}

// TestStatusFollowsThroughARestartOfTheAPIServer: every watch is broken off, and what happens
// afterwards is shown.
func TestStatusFollowsThroughARestartOfTheAPIServer(t *testing.T) {
	t.Parallel()
	p, bare := withoutReprise(t)
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	p.Kubectl("apply", "-f", filepath.Join(root, "charts", "reprise", "templates", "reprise.dev_workloadrevisions.yaml"))
	p.Kubectl("wait", "--for=condition=Established", "crd/workloadrevisions.reprise.dev")
	p.apply(ticking(t, "first", ""))
	f := p.follow("status", "-w")
	f.shows("ticking   -          unrecorded   0/1")
	if err := bare.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	product.Eventually(t, func() (bool, string) {
		out, err := p.command("kubectl", "scale", "deployment/ticking", "--replicas=7").CombinedOutput()
		return err == nil, string(out)
	})
	f.shows("ticking   -          unrecorded   0/7")
	f.interrupt()
}
