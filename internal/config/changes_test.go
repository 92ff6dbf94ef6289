package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/internal/config"
)

func parse(t *testing.T, content string) config.Config {
	t.Helper()
	c, err := config.Parse([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChanges(t *testing.T) {
	from := parse(t, `
policies:
  overrides: [{policy: a, enforcement: warn}, {policy: gone}]
  exemptions: [{policy: a, namespace: shop, reason: moving, expires: 2027-01-31}]
`)
	to := parse(t, `
protectedNamespaces: [kube-system, cert-manager]
history: {retainDeleted: 1h}
policies:
  overrides: [{policy: a, enforcement: deny, namespaces: {include: [team-*], exclude: [team-a]}}]
  exemptions: [{policy: a, namespace: shop, workload: app, reason: moving, expires: 2027-01-31}]
defaults: {bakeTime: 5s, quarantine: false}
`)
	want := []string{
		"defaults.bakeTime 30s → 5s",
		"defaults.quarantine true → false",
		"history.retainDeleted 24h0m0s → 1h0m0s",
		"policies.exemptions[a in shop/*] until 2027-01-31 (moving) → none",
		"policies.exemptions[a in shop/app] none → until 2027-01-31 (moving)",
		"policies.overrides[a] warn → deny in team-* except team-a",
		"policies.overrides[gone] enforcement of its METADATA → none",
	}
	if d := cmp.Diff(want, config.Changes(from, to)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if changes := config.Changes(to, to); changes != nil {
		t.Errorf("the same differs in %v", changes)
	}
}

func TestConfig_PinnedKeepsWhatNeedsARestart(t *testing.T) {
	running := parse(t, "failurePolicy: Ignore\nrollback: {maxConcurrent: 5}\ndefaults: {bakeTime: 1m}\n")
	next := parse(t, "failurePolicy: Fail\nprotectedNamespaces: [kube-system]\nrollback: {maxConcurrent: 9}\ndefaults: {bakeTime: 2m}\n")
	got, waiting := next.Pinned(running)
	want := running
	want.Defaults.BakeTime = next.Defaults.BakeTime
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("in force (-want +got)\n%s", d)
	}
	if d := cmp.Diff([]string{
		"failurePolicy Ignore → Fail",
		"protectedNamespaces cert-manager,kube-system → kube-system",
		"rollback.maxConcurrent 5 → 9",
	}, waiting); d != "" {
		t.Errorf("waiting for a start (-want +got)\n%s", d)
	}
}
