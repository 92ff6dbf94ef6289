package plugin

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"reprise.dev/reprise/test/harness/product"
)

// place is a namespace of one test, guarded by the running product, and who types there.
type place struct {
	product.Place
	kubeconfig string
}

func newPlace(t *testing.T, annotations map[string]string) place {
	t.Helper()
	return place{Place: product.NewPlace(t, running, annotations), kubeconfig: shared.Kubeconfig()}
}

// typed is what a command printed, and its exit code.
type typed struct {
	out, errors string
	code        int
}

// command is what is typed in a shell, in the place's namespace.
func (p place) command(words ...string) *exec.Cmd {
	p.Helper()
	if err := build(); err != nil {
		p.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.Context(), product.Patience)
	p.Cleanup(cancel)
	command := exec.CommandContext(ctx, filepath.Join(tools, words[0]), words[1:]...)
	command.Env = append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"), "KUBECONFIG="+p.kubeconfig, "TERM=xterm", "NO_COLOR=")
	return command
}

// reprise types kubectl reprise, in a pipe.
func (p place) reprise(words ...string) typed {
	p.Helper()
	command := p.command(append([]string{"kubectl", "reprise", "-n", p.Namespace}, words...)...)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	return typed{code: p.exit(command.Run()), out: out.String(), errors: problems.String()}
}

// onTerminal types kubectl reprise on a terminal of a width, where in is typed into it.
func (p place) onTerminal(columns uint16, in string, words ...string) typed {
	p.Helper()
	command := p.command(append([]string{"kubectl", "reprise", "-n", p.Namespace}, words...)...)
	terminal, err := pty.StartWithSize(command, &pty.Winsize{Cols: columns, Rows: 50})
	if err != nil {
		p.Fatal(err)
	}
	defer terminal.Close()
	if _, err := terminal.WriteString(in); err != nil {
		p.Fatal(err)
	}
	var shown bytes.Buffer
	_, _ = shown.ReadFrom(terminal) // It ends with an error of its own once nobody holds the other end.
	return typed{code: p.exit(command.Wait()), out: strings.ReplaceAll(shown.String(), "\r\n", "\n")}
}

func (p place) exit(err error) int {
	p.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		p.Fatal(err)
		return 0
	}
}

// says fails the test where what was typed ended otherwise, or does not say all the words.
func (t typed) says(p place, code int, words ...string) {
	p.Helper()
	if t.code != code {
		p.Errorf("exit code %d, want %d:\n%s%s", t.code, code, t.out, t.errors)
	}
	for _, word := range words {
		if !strings.Contains(t.out+t.errors, word) {
			p.Errorf("it lacks %q:\n%s%s", word, t.out, t.errors)
		}
	}
}

// apply types kubectl apply.
func (p place) apply(file string) {
	p.Helper()
	p.Kubectl("apply", "-f", file)
}
