package story

import (
	"strings"
	"testing"
)

func TestVersions_Incompatibility(t *testing.T) {
	for _, tt := range []struct {
		reason, plugin, reprise, revisions, says string
	}{
		{"the same release", "0.1.0", "0.1.0", "v1alpha1", ""},
		{"a fix of the same release", "0.1.3", "0.1.0", "v1alpha1", ""},
		{"an older plugin", "0.1.3", "0.2.0", "v1alpha1", "the plugin is older than Reprise, and one may not understand what the other writes: use the plugin of release 0.2.0"},
		{"a newer plugin", "1.0.0", "0.9.9", "v1alpha1", "Reprise is older than the plugin, and one may not understand what the other writes: use the plugin of release 0.9.9"},
		{"a build of one's own", "devel 1234", "0.2.0", "v1alpha1", ""},
		{"a commit", "0.1.0", "v0.0.0-20270331121000-0123456789ab", "v1alpha1", ""},
		{"nothing known of what runs", "0.1.0", "", "v1alpha1", ""},
		{"newer WorkloadRevisions", "0.1.0", "0.1.0", "v1", "this plugin reads WorkloadRevisions v1alpha1, and the cluster serves v1: use the plugin of the installed release"},
		{"both versions of Revisions", "0.1.0", "0.1.0", "v1 v1alpha1", ""},
		{"no WorkloadRevisions", "0.1.0", "", "", "the cluster serves no WorkloadRevisions: Reprise is not installed in it; install the chart charts/reprise"},
	} {
		v := Versions{Plugin: tt.plugin, Reprise: tt.reprise, Known: "v1alpha1", Revisions: strings.Fields(tt.revisions)}
		if got := v.Incompatibility(); got != tt.says {
			t.Errorf("%s: it says %q, want %q", tt.reason, got, tt.says)
		}
		if !strings.HasSuffix(v.Page(), tt.says+"\n") && tt.says != "" {
			t.Errorf("%s: the page lacks it:\n%s", tt.reason, v.Page())
		}
	}
}
