package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

func TestParse_KeepsTheDefaultOfUnsetKeys(t *testing.T) {
	got, err := config.Parse([]byte("failurePolicy: Fail\ndefaults:\n  bakeTime: 90s\n  quarantine: false\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.FailurePolicy = config.Fail
	want.Defaults = workload.Settings{Rollback: workload.ModeAuto, BakeTime: 90 * time.Second, HistoryLimit: 10, MaxHistory: 50, PinImages: workload.PinAuto}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestParse_ReportsTheLineOfAnError(t *testing.T) {
	for content, want := range map[string]string{
		"failurePolicy: Maybe":                                          `line 1: failurePolicy: Unsupported value: "Maybe": supported values: "Ignore", "Fail"`,
		"failurePolicy: [Ignore]":                                       "line 1: failurePolicy: Invalid value: expected a single value, not a list",
		"\nfailurPolicy: Fail":                                          "line 2: failurPolicy: Forbidden: unknown key: expected one of defaults, failurePolicy, history, policies, protectedNamespaces, rollback",
		"failurePolicy: Fail\nfailurePolicy: Ignore":                    "line 2: failurePolicy: Forbidden: already set on line 1",
		"protectedNamespaces: kube-system":                              `line 1: protectedNamespaces: Invalid value: "kube-system": expected a list`,
		"protectedNamespaces:\n- a\n- ''":                               `line 3: protectedNamespaces[1]: Invalid value: "": expected a name`,
		"defaults:\n  rollback: yes please":                             `line 2: defaults.rollback: Unsupported value: "yes please": supported values: "auto", "manual", "off"`,
		"defaults:\n  rollback: {auto: true}":                           "line 2: defaults.rollback: Invalid value: expected a single value, not a mapping",
		"defaults:\n  bakeTime: soon":                                   `line 2: defaults.bakeTime: Invalid value: "soon": expected a duration such as 30s`,
		"defaults:\n  bakeTime: 30":                                     `line 2: defaults.bakeTime: Invalid value: 30: expected a duration such as 30s`,
		"defaults:\n  bakeTime: -1s":                                    `line 2: defaults.bakeTime: Invalid value: "-1s": expected a duration that is not negative`,
		"defaults:\n  failureDeadline: -1s":                             `line 2: defaults.failureDeadline: Invalid value: "-1s": expected a duration that is not negative`,
		"defaults:\n  historyLimit: 1":                                  "line 2: defaults.historyLimit: Invalid value: 1: expected at least 2, the live revision and a rollback target",
		"defaults:\n  historyLimit: 2.5":                                "line 2: defaults.historyLimit: Invalid value: 2.5: expected an integer, at least 2, the live revision and a rollback target",
		"defaults: {quarantine: perhaps}":                               `line 1: defaults.quarantine: Invalid value: "perhaps": expected true or false`,
		"defaults:\n\n- a":                                              "line 3: defaults: Invalid value: expected a mapping with the keys bakeTime, failureDeadline, historyLimit, quarantine, rollback, not a list",
		"history:\n  maxPerMinute: 0":                                   "line 2: history.maxPerMinute: Invalid value: 0: expected at least 1",
		"history:\n  maxPerMinute: many":                                `line 2: history.maxPerMinute: Invalid value: "many": expected an integer, at least 1`,
		"history:\n  retainDeleted: -1h":                                `line 2: history.retainDeleted: Invalid value: "-1h": expected a duration that is not negative`,
		"rollback:\n  pinImages: yes":                                   `line 2: rollback.pinImages: Unsupported value: "yes": supported values: "auto", "never"`,
		"rollback:\n  maxConcurrent: 0":                                 "line 2: rollback.maxConcurrent: Invalid value: 0: expected at least 1",
		"a":                                                             `line 1: configuration: Invalid value: "a": expected a mapping with the keys`,
		"history: {}\n---\nrollback: {}":                                "line 2: a second YAML document begins: expected one",
		"history: {}\n---\n[":                                           "line 3: did not find expected node content",
		"failurePolicy: [Ignore":                                        "line 1: did not find expected",
		"policies:\n  overrides:\n  - {enforcement: off}":               "line 3: policies.overrides[0].policy: Required value",
		"policies:\n  overrides:\n  - policy: a\n    enforcement: dney": `line 4: policies.overrides[0].enforcement: Unsupported value: "dney": supported values: "deny", "warn", "dryrun", "off"`,
		"policies:\n  overrides:\n  - policy: a\n  - policy: a":         `line 4: policies.overrides[1].policy: Duplicate value: "a"`,
		"policies:\n  overrides:\n  - policy: a\n    namespaces:\n      include:\n      - '['": `line 6: policies.overrides[0].namespaces.include[0]: Invalid value: "[": expected a namespace name or a pattern`,
		"policies: {overrides: [{policy: a, namespace: b}]}":                                   "line 1: policies.overrides[0].namespace: Forbidden: unknown key: expected one of enforcement, namespaces, policy",
		"policies:\n  exemptions:\n  - policy: a\n    reason: b\n    expires: 2027-01-31":      "line 3: policies.exemptions[0].namespace: Required value",
		"policies: {exemptions: [{policy: a, namespace: b, expires: 2027-01-31}]}":             "line 1: policies.exemptions[0].reason: Required value: it is shown whenever the exemption is used",
		"policies: {exemptions: [{policy: a, namespace: b, reason: c}]}":                       "line 1: policies.exemptions[0].expires: Required value: the last day, such as 2027-01-31",
		"policies: {exemptions: [{policy: a, namespace: b, reason: c, expires: soon}]}":        `line 1: policies.exemptions[0].expires: Invalid value: "soon": expected a day such as 2027-01-31`,
	} {
		_, err := config.Parse([]byte(content))
		var invalid config.ValidationErrors
		if !errors.As(err, &invalid) || len(invalid) != 1 || !strings.HasPrefix(invalid[0].Error(), want) {
			t.Errorf("%q: got %v, want %q alone", content, err, want)
		}
	}
}

func TestParse_ReportsEveryErrorInTheOrderOfLines(t *testing.T) {
	_, err := config.Parse([]byte(`policies:
  overrides:
  - policy: limits-missing
    enforcement: never
defaults:
  bakeTime: soon
  historyLimit: 1
  bake: 5s
history: {maxPerMinute: 0}
`))
	want := strings.Join([]string{
		`line 4: policies.overrides[0].enforcement: Unsupported value: "never": supported values: "deny", "warn", "dryrun", "off"`,
		`line 6: defaults.bakeTime: Invalid value: "soon": expected a duration such as 30s`,
		`line 7: defaults.historyLimit: Invalid value: 1: expected at least 2, the live revision and a rollback target`,
		`line 8: defaults.bake: Forbidden: unknown key: expected one of bakeTime, failureDeadline, historyLimit, quarantine, rollback`,
		`line 9: history.maxPerMinute: Invalid value: 0: expected at least 1`,
	}, "; ")
	if err == nil {
		t.Fatal("the configuration is valid")
	}
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestParse_TreatsNullAsUnset(t *testing.T) {
	for _, content := range []string{"", "---\n", "# nothing\n", "defaults:\nhistory: ~\n", "defaults: {bakeTime: }\n", "policies: {overrides: , exemptions: []}"} {
		got, err := config.Parse([]byte(content))
		if d := cmp.Diff(config.Default(), got); err != nil || d != "" {
			t.Errorf("%q: %v (-want +got)\n%s", content, err, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"defaults: &a {rollback: *a}", "history: {<<: {maxPerMinute: 1}}", "? [a]\n: b", "policies: {overrides: [~]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		_, err := config.Parse(content)
		var invalid config.ValidationErrors
		if err != nil && (!errors.As(err, &invalid) || len(invalid) == 0) {
			t.Errorf("got %v, which is no ValidationErrors", err)
		}
	})
}

func TestParse_IncludesTheLastDayOfAnExemption(t *testing.T) {
	for _, day := range []string{"2027-01-31", `"2027-01-31"`} {
		got, err := config.Parse([]byte("policies:\n  exemptions: [{policy: a, namespace: b, workload: c, reason: d, expires: " + day + "}]\n" +
			"  overrides: [{policy: a, enforcement: off, namespaces: {include: [team-*], exclude: [team-a]}}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		want := policy.Overrides{
			Rules: []policy.Override{{
				Policy: "a", Enforcement: policy.EnforceOff,
				Namespaces: policy.Scope{Include: []string{"team-*"}, Exclude: []string{"team-a"}},
			}},
			Exemptions: []policy.Exemption{{
				Policy: "a", Namespace: "b", Workload: "c", Reason: "d",
				Expires: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
			}},
		}
		if d := cmp.Diff(want, got.Policies); d != "" {
			t.Errorf("%s (-want +got)\n%s", day, d)
		}
	}
}

func TestLoad(t *testing.T) {
	got, err := config.Load("")
	if d := cmp.Diff(config.Default(), got); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if _, err := config.Load(t.TempDir() + "/absent.yaml"); err == nil {
		t.Error("a missing file was no error")
	}
}
