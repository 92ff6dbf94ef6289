package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/config"
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

func TestAMistakeIsNamed(t *testing.T) {
	for content, want := range map[string]string{
		"failurePolicy: Maybe":                                                          `failurePolicy is "Maybe": expected Ignore or Fail`,
		"\nfailurPolicy: Fail":                                                          "line 2: field failurPolicy not found",
		"defaults:\n  rollback: yes please":                                             `defaults.rollback is "yes please"`,
		"defaults:\n  bakeTime: soon":                                                   "line 2: cannot unmarshal",
		"defaults:\n  bakeTime: -1s":                                                    "defaults.bakeTime is -1s",
		"defaults:\n  failureDeadline: -1s":                                             "defaults.failureDeadline is -1s",
		"defaults:\n  historyLimit: 1":                                                  "defaults.historyLimit is 1: expected at least 2",
		"defaults: {quarantine: perhaps}":                                               "line 1: cannot unmarshal",
		"history:\n  maxPerMinute: 0":                                                   "history.maxPerMinute is 0: expected at least 1",
		"history:\n  keepGone: -1h":                                                     "history.keepGone is -1h",
		"policies: {overrides: [{enforcement: off}]}":                                   "policies.overrides[0].policy is required",
		"policies: {overrides: [{policy: a, enforcement: dney}]}":                       `policies.overrides[0].enforcement is "dney": expected deny, warn, dryrun or off`,
		"policies: {overrides: [{policy: a}, {policy: a}]}":                             "policies.overrides[1]: policy a is overridden twice",
		"policies: {overrides: [{policy: a, namespaces: {include: ['[']}}]}":            `"[" is no pattern`,
		"policies: {overrides: [{policy: a, namespace: b}]}":                            "field namespace not found",
		"policies: {exemptions: [{policy: a}]}":                                         "policies.exemptions[0]: policy and namespace are required",
		"policies: {exemptions: [{policy: a, namespace: b, expires: 2027-01-31}]}":      "policies.exemptions[0].reason is required",
		"policies: {exemptions: [{policy: a, namespace: b, reason: c}]}":                "policies.exemptions[0].expires is required",
		"policies: {exemptions: [{policy: a, namespace: b, reason: c, expires: soon}]}": `policies.exemptions[0].expires is "soon": expected a day`,
		"failurePolicy: [Ignore":                                                        "did not find expected",
		"defaults:\n  rollback: {auto: true}":                                           "line 2: cannot unmarshal",
	} {
		_, err := config.Parse([]byte(content))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", content, err, want)
		}
	}
}

func TestAnExemptionHoldsToTheEndOfItsDay(t *testing.T) {
	for _, day := range []string{"2027-01-31", `"2027-01-31"`} {
		got, err := config.Parse([]byte("policies:\n  exemptions: [{policy: a, namespace: b, workload: c, reason: d, expires: " + day + "}]\n" +
			"  overrides: [{policy: a, enforcement: off, namespaces: {include: [team-*], exclude: [team-a]}}]\n"))
		if err != nil {
			t.Fatal(err)
		}
		want := policy.Terms{
			Overrides: []policy.Override{{
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
