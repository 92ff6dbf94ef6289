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

func TestWhatIsNotSetKeepsItsDefault(t *testing.T) {
	got, err := config.Parse([]byte("failurePolicy: Fail\ndefaults:\n  bakeTime: 90s\n  quarantine: false\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.FailurePolicy = config.Fail
	want.Defaults = workload.Settings{Rollback: workload.ModeAuto, BakeTime: 90 * time.Second, HistoryLimit: 10}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestAMistakeIsNamedWithItsLine(t *testing.T) {
	for content, want := range map[string]string{
		"failurePolicy: Maybe":                                          `line 1: failurePolicy is "Maybe": expected Ignore or Fail`,
		"failurePolicy: [Ignore]":                                       `line 1: failurePolicy is a list: expected a single value`,
		"\nfailurPolicy: Fail":                                          "line 2: failurPolicy is no key of the configuration: expected one of defaults, failurePolicy, history, policies, protectedNamespaces, rollback",
		"failurePolicy: Fail\nfailurePolicy: Ignore":                    "line 2: failurePolicy is set twice: on line 1 before",
		"protectedNamespaces: kube-system":                              `line 1: protectedNamespaces is "kube-system": expected a list`,
		"protectedNamespaces:\n- a\n- ''":                               `line 3: protectedNamespaces[1] is "": expected a name`,
		"defaults:\n  rollback: yes please":                             `line 2: defaults.rollback is "yes please": expected auto, manual or off`,
		"defaults:\n  rollback: {auto: true}":                           "line 2: defaults.rollback is a mapping: expected a single value",
		"defaults:\n  bakeTime: soon":                                   `line 2: defaults.bakeTime is "soon": expected a duration such as 30s`,
		"defaults:\n  bakeTime: 30":                                     `line 2: defaults.bakeTime is 30: expected a duration such as 30s`,
		"defaults:\n  bakeTime: -1s":                                    `line 2: defaults.bakeTime is "-1s": expected no negative duration`,
		"defaults:\n  failureDeadline: -1s":                             `line 2: defaults.failureDeadline is "-1s": expected no negative duration`,
		"defaults:\n  historyLimit: 1":                                  "line 2: defaults.historyLimit is 1: expected at least 2, the live revision and the one to go back to",
		"defaults:\n  historyLimit: 2.5":                                "line 2: defaults.historyLimit is 2.5: expected a whole number, at least 2, the live revision and the one to go back to",
		"defaults: {quarantine: perhaps}":                               `line 1: defaults.quarantine is "perhaps": expected true or false`,
		"defaults:\n\n- a":                                              "line 3: defaults is a list: expected a mapping of bakeTime, failureDeadline, historyLimit, quarantine, rollback",
		"history:\n  maxPerMinute: 0":                                   "line 2: history.maxPerMinute is 0: expected at least 1",
		"history:\n  maxPerMinute: many":                                `line 2: history.maxPerMinute is "many": expected a whole number, at least 1`,
		"history:\n  keepGone: -1h":                                     `line 2: history.keepGone is "-1h": expected no negative duration`,
		"rollback:\n  maxAtOnce: 0":                                     "line 2: rollback.maxAtOnce is 0: expected at least 1",
		"a":                                                             `line 1: the configuration is "a": expected a mapping of`,
		"history: {}\n---\nrollback: {}":                                "line 2: a second document begins: expected one",
		"history: {}\n---\n[":                                           "line 3: did not find expected node content",
		"failurePolicy: [Ignore":                                        "line 1: did not find expected",
		"policies:\n  overrides:\n  - {enforcement: off}":               "line 3: policies.overrides[0].policy is required",
		"policies:\n  overrides:\n  - policy: a\n    enforcement: dney": `line 4: policies.overrides[0].enforcement is "dney": expected deny, warn, dryrun or off`,
		"policies:\n  overrides:\n  - policy: a\n  - policy: a":         "line 4: policies.overrides[1].policy is a, which is overridden twice",
		"policies:\n  overrides:\n  - policy: a\n    namespaces:\n      include:\n      - '['": `line 6: policies.overrides[0].namespaces.include[0] is "[", no pattern of a namespace`,
		"policies: {overrides: [{policy: a, namespace: b}]}":                                   "line 1: policies.overrides[0].namespace is no key of the configuration: expected one of enforcement, namespaces, policy",
		"policies:\n  exemptions:\n  - policy: a\n    reason: b\n    expires: 2027-01-31":      "line 3: policies.exemptions[0].namespace is required",
		"policies: {exemptions: [{policy: a, namespace: b, expires: 2027-01-31}]}":             "line 1: policies.exemptions[0].reason is required: it is shown whenever the exemption is used",
		"policies: {exemptions: [{policy: a, namespace: b, reason: c}]}":                       "line 1: policies.exemptions[0].expires is required: the last day, such as 2027-01-31",
		"policies: {exemptions: [{policy: a, namespace: b, reason: c, expires: soon}]}":        `line 1: policies.exemptions[0].expires is "soon": expected a day, such as 2027-01-31`,
	} {
		_, err := config.Parse([]byte(content))
		var mistakes config.Mistakes
		if !errors.As(err, &mistakes) || len(mistakes) != 1 || !strings.HasPrefix(mistakes[0], want) {
			t.Errorf("%q: got %v, want %q alone", content, err, want)
		}
	}
}

func TestEveryMistakeIsToldInTheOrderOfLines(t *testing.T) {
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
	want := config.Mistakes{
		`line 4: policies.overrides[0].enforcement is "never": expected deny, warn, dryrun or off`,
		`line 6: defaults.bakeTime is "soon": expected a duration such as 30s`,
		`line 7: defaults.historyLimit is 1: expected at least 2, the live revision and the one to go back to`,
		`line 8: defaults.bake is no key of the configuration: expected one of bakeTime, failureDeadline, historyLimit, quarantine, rollback`,
		`line 9: history.maxPerMinute is 0: expected at least 1`,
	}
	if d := cmp.Diff(error(want), err); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestWhatIsNullOrEmptyIsNotSet(t *testing.T) {
	for _, content := range []string{"", "---\n", "# nothing\n", "defaults:\nhistory: ~\n", "defaults: {bakeTime: }\n", "policies: {overrides: , exemptions: []}"} {
		got, err := config.Parse([]byte(content))
		if d := cmp.Diff(config.Default(), got); err != nil || d != "" {
			t.Errorf("%q: %v (-want +got)\n%s", content, err, d)
		}
	}
}

func FuzzNoContentIsReadWithoutAnAnswer(f *testing.F) {
	for _, seed := range []string{"defaults: &a {rollback: *a}", "history: {<<: {maxPerMinute: 1}}", "? [a]\n: b", "policies: {overrides: [~]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		_, err := config.Parse(content)
		var mistakes config.Mistakes
		if err != nil && (!errors.As(err, &mistakes) || len(mistakes) == 0) {
			t.Errorf("an error that names no mistake: %v", err)
		}
	})
}

func TestAnExemptionHoldsToTheEndOfItsDay(t *testing.T) {
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

func TestNoFileMeansTheDefaultsAndAMissingOneIsAnError(t *testing.T) {
	got, err := config.Load("")
	if d := cmp.Diff(config.Default(), got); err != nil || d != "" {
		t.Errorf("%v (-want +got)\n%s", err, d)
	}
	if _, err := config.Load(t.TempDir() + "/absent.yaml"); err == nil {
		t.Error("a missing file was no error")
	}
}
