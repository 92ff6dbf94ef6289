package admission

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAnInstallsTermsAreKept(t *testing.T) {
	p := newNamedPlace(t, strict, "lenient")
	tests := []struct {
		reason, namespace, workload string
		want, warns, silent         string
	}{
		{"a rule that is off is on where the install says so", strict, "cart", "containers.main.resources.limits.memory: there is no memory limit; set one", "", ""},
		{"and only there", "lenient", "cart", "", "", "memory limit"},
		{"an exemption is told with its reason and its end", strict, "legacy", "", "exempt from limits-missing until 2099-03-31 (moves in spring): containers.main.resources.limits.memory", ""},
		{"an exemption ends", strict, "expired", "its exemption expired after 2020-03-31", "", ""},
	}
	for _, test := range tests {
		p.answers(test.namespace, acceptable(test.workload), test.want)
		said := p.Warnings.Take()
		if !strings.Contains(said, test.warns) || (test.silent != "" && strings.Contains(said, test.silent)) {
			t.Errorf("%s: the warnings are %q", test.reason, said)
		}
	}
}

// TestTheEarlyRulesComeBeforeTheAPIServersOwnWords: what it would refuse in its words, Reprise
// refuses in Score's.
func TestTheEarlyRulesComeBeforeTheAPIServersOwnWords(t *testing.T) {
	p := newNamedPlace(t, "early")
	collided := acceptable("collided", func(d *appsv1.Deployment) {
		volume := corev1.Volume{Name: "file-932d370d8a", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}
		d.Spec.Template.Spec.Volumes = []corev1.Volume{volume, volume}
		d.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: volume.Name, MountPath: "/etc/app"}}
	})
	p.answers("early", collided, "volumes.file-932d370d8a.name: two volumes are named file-932d370d8a, mounted by main at /etc/app")

	stored := p.client.AppsV1().Deployments("early")
	if _, err := stored.Create(t.Context(), acceptable("lost"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	fresh := acceptable("lost", func(d *appsv1.Deployment) {
		labels := map[string]string{"app.kubernetes.io/instance": "lost-ffffff"}
		d.Spec.Selector.MatchLabels, d.Spec.Template.Labels = labels, labels
	})
	_, err := stored.Update(t.Context(), fresh, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "the instance changed from lost-1a2b3c to lost-ffffff") || !strings.Contains(err.Error(), ".score-k8s") {
		t.Errorf("a lost state: %v", err)
	}
}
