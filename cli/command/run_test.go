package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// tutorial is a step of the exercise, as score-k8s wrote it.
func tutorial(step string) string {
	return filepath.Join("..", "..", "test", "testdata", "score", "tutorial", step, "manifests.yaml")
}

// files writes a folder and returns its path.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range contents {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

const (
	teamRule = "package team\n\ndeny contains \"no owner\" if not input.metadata.labels[input.parameters.label]\n"
	teamTest = `package team_test

import data.team

test_no_owner_is_told if count(team.deny) == 1 with input as {"metadata": {}, "parameters": {"label": "owner"}}
`
	failingTest = "\ntest_fails if count(team.deny) == 7\n"
	podRule     = "package pods\n\ndeny contains \"pod\" if input.kind == \"Pod\"\n"
	podTest     = "package pods_test\n\nimport data.pods\n\ntest_a_pod_is_denied if count(pods.deny) == 1 with input as {\"kind\": \"Pod\"}\n"
	limits      = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: bounds}\nspec: {limits: [{type: Container, defaultRequest: {memory: 64Mi}, default: {memory: 64Mi}, max: {memory: 64Mi}}]}\n"
)

func TestRun_withoutCluster(t *testing.T) {
	healthy, broken := text(t, tutorial("1-healthy")), text(t, tutorial("2-broken"))
	folder := files(t, map[string]string{
		"app/manifests.yaml": healthy, "app/score.yaml": "apiVersion: score.dev/v1b1\nmetadata: {name: a}\n", "app/notes.txt": "no manifest",
		"deep/sub/manifests.yaml": broken, "deep/.score-k8s/state.yaml": "a: 1", "deep/ok.yaml": healthy,
		"own/team.rego": teamRule, "own/team_test.rego": teamTest, "own/parameters.yaml": "label: owner\n", "own/README.md": "ours",
		"failing/team.rego": teamRule, "failing/team_test.rego": teamTest + failingTest,
		"untested/team.rego": teamRule, "pods/pods.rego": podRule, "pods/pods_test.rego": podTest, "bad/team.rego": "package team\n\ndeny contains", "none/notes.txt": "",
		"limits.yaml": limits, "config.yaml": "policies: {overrides: [{policy: requests-within-limits, enforcement: warn}]}\n",
		"misspelt.yaml": "policies: {overrides: [{policy: request-within-limits, enforcement: warn}]}\n", "bad.yaml": healthy + "\n---\na: [\n",
	})
	in := func(name string) string { return filepath.Join(folder, name) }
	const excess = "containers.frontend.resources.requests.memory: request 250Mi exceeds the limit 200Mi"
	tests := []struct {
		reason string
		args   []string
		stdin  string
		code   int
		says   string
	}{
		{"a sound file", []string{"check", "-f", tutorial("1-healthy")}, "", 0, "workloads: 1 allowed"},
		{"it is said what needs a cluster", []string{"check", "-f", tutorial("1-healthy")}, "", 0, "checked without a cluster"},
		{"a broken one", []string{"check", "-f", tutorial("2-broken")}, "", codeFailed, excess},
		{"standard input", []string{"check", "-f", "-"}, broken, codeFailed, "-: document 3 (line 49): deployment/sample-app"},
		{"two files", []string{"check", "-f", tutorial("1-healthy"), "-f", tutorial("2-broken")}, "", codeFailed, "workloads: 1 denied; 1 allowed"},
		{"a folder, where Score's own file lies beside", []string{"check", "-f", in("app")}, "", 0, "workloads: 1 allowed"},
		{"a folder alone", []string{"check", "-f", in("deep")}, "", 0, "workloads: 1 allowed"},
		{"a folder with all in it but what is hidden", []string{"check", "-R", "-f", in("deep")}, "", codeFailed, "workloads: 1 denied; 1 allowed"},
		{"a policy of one's own with its parameters", []string{"check", "-f", tutorial("1-healthy"), "-p", in("own")}, "", codeFailed, "no owner"},
		{"a policy without an effect", []string{"check", "-f", tutorial("1-healthy"), "-p", in("pods")}, "", 0, "policy warning  " + in("pods/pods.rego") + ":3: deny is never true: "},
		{"warnings that fail", []string{"check", "-f", tutorial("2-broken"), "--config", in("config.yaml"), "--fail-on-warn"}, "", codeFailed, "allowed, with warnings"},
		{"no warnings that fail", []string{"check", "-f", tutorial("1-healthy"), "--fail-on-warn"}, "", 0, "workloads: 1 allowed"},
		{"files as arguments", []string{"check", tutorial("1-healthy"), tutorial("2-broken")}, "", codeFailed, "workloads: 1 denied; 1 allowed"},
		{"a pattern that no shell expanded", []string{"check", filepath.Join(folder, "a*", "manifests.yaml")}, "", 0, "workloads: 1 allowed"},
		{"a pattern that matches nothing", []string{"check", "-f", in("*.none")}, "", codeUnknown, "no file matches"},
		{"limits of the namespace", []string{"check", "-f", tutorial("3-fixed-limit"), "--limitrange", in("limits.yaml")}, "", codeFailed, "LimitRange bounds"},
		{"an install's overrides", []string{"check", "-f", tutorial("2-broken"), "--config", in("config.yaml")}, "", 0, "allowed, with warnings"},
		{"the workload's namespace", []string{"check", "-n", "shop", "-f", tutorial("1-healthy")}, "", 0, "in namespace shop"},
		{"for machines", []string{"check", "-o", "json", "-f", tutorial("2-broken")}, "", codeFailed, `"decision": "deny"`},

		{"no file", []string{"check"}, "", codeUnknown, "name at least one file"},
		{"a file that is not there", []string{"check", "-f", in("missing.yaml")}, "", codeUnknown, "missing.yaml: no such file"},
		{"a folder without manifests", []string{"check", "-f", in("none")}, "", codeUnknown, "has no file that ends in .yaml or .yml or .json"},
		{"bad YAML", []string{"check", "-f", in("bad.yaml")}, "", codeUnknown, "bad.yaml: document 4 (line "},
		{"Score's own file", []string{"check", "-f", in("app/score.yaml")}, "", codeUnknown, "run score-k8s generate"},
		{"no workloads", []string{"check", "-f", "-"}, "apiVersion: v1\nkind: Service\n", codeUnknown, "no workloads found: none of the 1 objects"},
		{"an unknown format", []string{"check", "-o", "yaml", "-f", tutorial("1-healthy")}, "", codeUnknown, "expected one of [human json junit github sarif table tap]"},
		{"a policy that does not compile", []string{"check", "-f", tutorial("1-healthy"), "-p", in("bad")}, "", codeUnknown, "team.rego:3"},
		{"an override of a policy that does not exist", []string{"check", "-f", tutorial("1-healthy"), "--config", in("misspelt.yaml")}, "", codeUnknown, "request-within-limits; there are "},
		{"namespace data that is none", []string{"check", "-f", tutorial("1-healthy"), "--namespace-data", tutorial("1-healthy")}, "", codeUnknown, "decides nothing about pods"},
		{"a cluster that is not there", []string{"check", "--live", "--kubeconfig", os.DevNull, "-s", "http://127.0.0.1:1", "-f", tutorial("1-healthy")}, "", codeUnknown, "--live needs a cluster"},
		{"an unknown command", []string{"chek"}, "", codeUnknown, `unknown command "chek"`},

		{"tests that pass", []string{"policy", "test", in("own")}, "", 0, "PASS  " + in("own/team_test.rego") + ":5 team_test.test_no_owner_is_told"},
		{"tests of a policy without an effect", []string{"policy", "test", in("pods")}, "", 0, "warning: " + in("pods/pods.rego") + ":3: deny is never true: "},
		{"a test that fails", []string{"policy", "test", in("own"), in("failing")}, "", codeFailed, "line 7 is not true: count(team.deny) == 7"},
		{"no tests", []string{"policy", "test", in("untested")}, "", codeUnknown, "no tests found"},
		{"policies that do not compile", []string{"policy", "test", in("bad")}, "", codeUnknown, "team.rego:3"},
		{"no folder", []string{"policy", "test"}, "", codeUnknown, "requires at least 1 arg"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			var out, errors bytes.Buffer
			code := Run(t.Context(), test.args, genericiooptions.IOStreams{In: strings.NewReader(test.stdin), Out: &out, ErrOut: &errors})
			said := out.String() + errors.String()
			if code != test.code || !strings.Contains(said, test.says) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", code, test.code, test.says, said)
			}
			if code == codeUnknown && errors.Len() == 0 {
				t.Error("it does not say why it cannot tell")
			}
			if strings.Contains(out.String(), "\x1b[") {
				t.Error("there are colors although it is no terminal")
			}
		})
	}
}

func TestRun_checkForPrograms(t *testing.T) {
	var out, errors bytes.Buffer
	Run(t.Context(), []string{"check", "-o", "json", "-f", tutorial("1-healthy")}, genericiooptions.IOStreams{Out: &out, ErrOut: &errors})
	if !strings.HasPrefix(out.String(), "{") || !strings.HasSuffix(out.String(), "}\n") {
		t.Errorf("standard output holds more than the report: %s", &out)
	}
}
