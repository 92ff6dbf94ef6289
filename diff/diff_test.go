package diff_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

func intent(change func(*corev1.Container, *workload.Intent)) workload.Intent {
	container := corev1.Container{
		Name:  "frontend",
		Image: "example.com/app:1.0.0",
		Env: []corev1.EnvVar{
			{Name: "MODE", Value: "fast"},
			{Name: "DB_PASSWORD", Value: "hunter2"},
		},
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("200Mi")}},
	}
	i := workload.Intent{
		Labels: map[string]string{"app": "a"},
		Spec:   appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{}},
	}
	if change != nil {
		change(&container, &i)
	}
	i.Spec.Template.Spec.Containers = append([]corev1.Container{container}, i.Spec.Template.Spec.Containers...)
	return i
}

func TestChangesAreNamedInScoresTerms(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(*corev1.Container, *workload.Intent)
		want   string
	}{
		"Nothing": {
			reason: "equal intents have no change",
			want:   "no change",
		},
		"Image": {
			reason: "only the tag is shown where the repository is the same",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Image = "example.com/app:1.0.1" },
			want:   "containers.frontend.image 1.0.0 → 1.0.1",
		},
		"OtherRepository": {
			reason: "another repository is shown whole",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Image = "example.org/app:1.0.0" },
			want:   "containers.frontend.image example.com/app:1.0.0 → example.org/app:1.0.0",
		},
		"Variables": {
			reason: "a variable is one change, whether it comes, goes or changes; credentials are masked",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Env = []corev1.EnvVar{{Name: "DB_PASSWORD", Value: "hunter3"}, {Name: "URL", Value: "postgres://me:pw@db/x"}}
			},
			want: "containers.frontend.variables.DB_PASSWORD changed, containers.frontend.variables.MODE removed, " +
				"containers.frontend.variables.URL added (postgres://me:***@db/x)",
		},
		"Command": {
			reason: "a list of words is shown as it is written",
			change: func(c *corev1.Container, _ *workload.Intent) { c.Args = []string{"echo boom >&2; exit 1"} },
			want:   `containers.frontend.args added (["echo boom >&2; exit 1"])`,
		},
		"EqualQuantities": {
			reason: "quantities compare by value",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("204800Ki")
			},
			want: "no change",
		},
		"Quantity": {
			reason: "a limit is named by its path",
			change: func(c *corev1.Container, _ *workload.Intent) {
				c.Resources.Limits[corev1.ResourceMemory] = resource.MustParse("300Mi")
			},
			want: "containers.frontend.resources.limits.memory 200Mi → 300Mi",
		},
		"Structure": {
			reason: "a structure that came as a whole counts once, at its top",
			change: func(c *corev1.Container, i *workload.Intent) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/x"}}}
				i.Spec.Template.Spec.Containers = []corev1.Container{{Name: "sidecar", Image: "x"}}
			},
			want: "containers.frontend.readinessProbe added, containers.sidecar added",
		},
		"Metadata": {
			reason: "labels and annotations are named without metadata; kubectl's memory of an apply is none",
			change: func(_ *corev1.Container, i *workload.Intent) {
				i.Labels = map[string]string{"app": "b"}
				i.Annotations = map[string]string{workload.LastApplied: "{}"}
				i.Spec.Template.Annotations = map[string]string{"team": "x"}
			},
			want: "labels.app a → b, template.annotations added",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			changes, err := diff.Intents(intent(nil), intent(tt.change))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, changes.Short(1024)); d != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.reason, d)
			}
		})
	}
}

func TestShortNeverExceedsItsBudgetNorCutsAChange(t *testing.T) {
	changes := diff.Changes{
		{Field: "a", Kind: diff.Modified, Old: "1", New: "2"},
		{Field: "b", Kind: diff.Added, New: strings.Repeat("ä", 200)},
		{Field: "c", Kind: diff.Removed},
	}
	for budget := 20; budget < 300; budget++ {
		short := changes.Short(budget)
		if len(short) > budget {
			t.Errorf("%d bytes for a budget of %d: %q", len(short), budget, short)
		}
	}
	if got, want := changes.Short(40), "a 1 → 2, 2 more changes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCredentialsInRunningTextAreMasked(t *testing.T) {
	for text, want := range map[string]string{
		"dial postgres://app:s3cret@db:5432/x failed": "dial postgres://app:***@db:5432/x failed",
		`config: API_KEY="abc def" MODE=fast`:         `config: API_KEY=*** MODE=fast`,
		"Authorization: Bearer eyJhbGciOi.J9":         "Authorization: Bearer ***",
		"panic: no DATABASE_URL":                      "panic: no DATABASE_URL",
		"token bucket is empty":                       "token bucket is empty",
	} {
		if got := diff.MaskText(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
