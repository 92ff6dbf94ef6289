package command

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"
)

// TestRun_ciPage: they can be parsed, and each check, applies and waits in this order, by commands
// and flags that there are.
func TestRun_ciPage(t *testing.T) {
	page := text(t, "../../docs/ci.md")
	snippets := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(page, -1)
	if len(snippets) != 2 {
		t.Fatalf("the page has %d pipelines, want those of GitHub and GitLab", len(snippets))
	}
	for _, snippet := range snippets {
		var pipeline map[string]any
		if err := yaml.UnmarshalStrict([]byte(snippet[1]), &pipeline); err != nil {
			t.Errorf("%s: %v", snippet[1], err)
			continue
		}
		var order []string
		for _, line := range strings.Split(snippet[1], "\n") {
			if at := strings.Index(line, "kubectl apply "); at >= 0 {
				order = append(order, "apply")
			}
			at := strings.Index(line, "kubectl reprise ")
			if at < 0 {
				continue
			}
			words := strings.Fields(strings.Split(line[at:], " > ")[0])[2:]
			order = append(order, words[0])
			parses(t, words)
		}
		if want := []string{"check", "apply", "wait", "history"}; !slices.Equal(order, want) {
			t.Errorf("the pipeline does %v, want %v", order, want)
		}
	}
}

// parses fails the test where a command line names a command or a flag that there is not.
func parses(t *testing.T, words []string) {
	t.Helper()
	p := newPlugin(genericiooptions.IOStreams{Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}})
	command, rest, err := p.command().Find(words)
	if err == nil {
		err = command.ParseFlags(rest)
	}
	if err != nil || command.Name() != words[0] {
		t.Errorf("%v: %v", words, err)
	}
}

// TestCommand_help: every command says in its help by which codes it ends, and has examples as
// kubectl's have.
func TestCommand_help(t *testing.T) {
	p := newPlugin(genericiooptions.IOStreams{})
	for _, command := range p.command().Commands() {
		if command.HasSubCommands() {
			continue
		}
		if !strings.Contains(command.Long, "Exit codes: 0 ") {
			t.Errorf("%s does not say by which codes it ends", command.Name())
		}
		if builtIn := command.GroupID == otherCommands && command.Name() != "version"; !builtIn && !strings.HasPrefix(command.Example, "  # ") {
			t.Errorf("%s has no example that says what it is for", command.Name())
		}
	}
}

func TestWorse(t *testing.T) {
	for _, tt := range []struct{ a, b, want int }{
		{0, 0, 0}, {0, codeSuperseded, codeSuperseded}, {codeSuperseded, codeUnknown, codeUnknown}, {codeUnknown, codeFailed, codeFailed}, {codeFailed, codeSuperseded, codeFailed}, {codeSuperseded, 0, codeSuperseded},
	} {
		if got := worse(tt.a, tt.b); got != tt.want {
			t.Errorf("of %d and %d it is %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
