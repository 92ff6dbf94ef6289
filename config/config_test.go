package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/config"
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
		"failurePolicy: Maybe":                `failurePolicy is "Maybe": expected Ignore or Fail`,
		"\nfailurPolicy: Fail":                "line 2: field failurPolicy not found",
		"defaults:\n  rollback: yes please":   `defaults.rollback is "yes please"`,
		"defaults:\n  bakeTime: soon":         "line 2: cannot unmarshal",
		"defaults:\n  bakeTime: -1s":          "defaults.bakeTime is -1s",
		"defaults:\n  failureDeadline: -1s":   "defaults.failureDeadline is -1s",
		"defaults:\n  historyLimit: 1":        "defaults.historyLimit is 1: expected at least 2",
		"defaults: {quarantine: perhaps}":     "line 1: cannot unmarshal",
		"history:\n  maxPerMinute: 0":         "history.maxPerMinute is 0: expected at least 1",
		"history:\n  keepGone: -1h":           "history.keepGone is -1h",
		"failurePolicy: [Ignore":              "did not find expected",
		"defaults:\n  rollback: {auto: true}": "line 2: cannot unmarshal",
	} {
		_, err := config.Parse([]byte(content))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", content, err, want)
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
