package command

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"reprise.dev/reprise/policy/regotest"
)

var update = flag.Bool("update", false, "write the golden files")

// outcomes has a test of each outcome.
var outcomes = regotest.Report{
	Results: []regotest.Result{
		{File: "p/a_test.rego", Line: 3, Name: "a.b_test.test_passes", Outcome: regotest.Pass, Printed: "first\nsecond"},
		{File: "p/a_test.rego", Line: 7, Name: "a.b_test.test_fails", Outcome: regotest.Fail, Detail: "line 8 is not true: 1 == 2", Printed: "x is <1>"},
		{File: "p/a_test.rego", Line: 11, Name: "a.b_test.test_is_broken", Outcome: regotest.Error, Detail: "p/a.rego:2: conflict"},
		{File: "p/a_test.rego", Line: 15, Name: "a.b_test.todo_test_later", Outcome: regotest.Skipped},
	},
	Coverage: &regotest.Coverage{Percent: 62.5, Missed: map[string][]int{"p/a.rego": {4, 5, 9}}},
}

func TestWriteTests(t *testing.T) {
	for name, format := range map[string]string{"human": testsForPeople, "verbose": testsForPeople, "json": testsAsJSON, "junit": testsAsJUnit} {
		var got bytes.Buffer
		if err := writeTests(&got, format, outcomes, name == "verbose"); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "policytest", name)
		if *update {
			if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(text(t, file), got.String()); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", file, diff)
		}
	}
}

func TestRun_policyTest(t *testing.T) {
	folder := files(t, map[string]string{
		"a/team.rego": teamRule, "a/tests/team_test.rego": teamTest + failingTest, "a/parameters.yaml": "label: owner\n", "a/tests/deployment.yaml": "a: 1\n",
		"b/pods.rego": podRule, "b/pods_test.rego": podTest,
	})
	for _, test := range []struct {
		reason string
		args   []string
		code   int
		says   string
	}{
		{"subfolders are read if asked", []string{"-R", filepath.Join(folder, "a")}, codeFailed, "FAIL  " + filepath.Join(folder, "a/tests/team_test.rego")},
		{"else there are no tests", []string{filepath.Join(folder, "a")}, codeUnknown, "no tests found"},
		{"some tests", []string{"-R", "--run", "owner_is_told$", filepath.Join(folder, "a")}, 0, "test_no_owner_is_told"},
		{"a pattern", []string{"-R", filepath.Join(folder, "*")}, codeFailed, "PASS  " + filepath.Join(folder, "b/pods_test.rego")},
		{"coverage", []string{"--coverage", filepath.Join(folder, "b")}, 0, "coverage: 100.0 % of the lines of the rules"},
		{"one report of two folders", []string{"-R", "-o", "junit", filepath.Join(folder, "a"), filepath.Join(folder, "b")}, codeFailed, `tests="3" failures="1"`},
		{"no regular expression", []string{"--run", "(", filepath.Join(folder, "b")}, codeUnknown, "reading --run"},
		{"an unknown format", []string{"-o", "tap", filepath.Join(folder, "b")}, codeUnknown, "expected one of [human json junit]"},
	} {
		var out, errors bytes.Buffer
		code := Run(t.Context(), append([]string{"policy", "test"}, test.args...), genericiooptions.IOStreams{Out: &out, ErrOut: &errors})
		if said := out.String() + errors.String(); code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("%s: exit code %d, want %d and %q in:\n%s", test.reason, code, test.code, test.says, said)
		}
	}
}
