package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

// containers gives a workload forty containers with the given resources, of images with or without
// a tag.
func containers(image string, r corev1.ResourceRequirements) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) {
		d.Annotations["reprise.dev/bake-time"] = "0s"
		d.Spec.Template.Spec.Containers = nil
		for i := range 40 {
			d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{
				Name: fmt.Sprintf("container-%02d", i), Image: image, Resources: r,
			})
		}
	}
}

// TestFortyViolationsAreToldWhole: in both phases, sorted, each once, on one line with what goes on
// running, and with Kubernetes' fields as causes.
func TestFortyViolationsAreToldWhole(t *testing.T) {
	p := newNamedPlace(t, "forty")
	amount := func(value string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(value)}
	}
	sound := acceptable("many", containers("registry.example.com/app:1", corev1.ResourceRequirements{}))
	sound.APIVersion, sound.Kind = "apps/v1", "Deployment"
	p.apply(sound)
	product.Eventually(t, func() (bool, string) {
		r := product.Revisions(t, p.API, "forty", "many").Newest()
		return r != nil && r.Status.Phase == v1alpha1.PhaseHealthy, fmt.Sprintf("the revision is %+v", r)
	})
	defaults := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "defaults"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
		Type: corev1.LimitTypeContainer, Default: amount("200Mi"),
	}}}}
	if _, err := p.client.CoreV1().LimitRanges("forty").Create(t.Context(), defaults, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		hook, origin, raise string
		resources           corev1.ResourceRequirements
	}{
		{"early", "", "raise the limit to", corev1.ResourceRequirements{Requests: amount("250Mi"), Limits: amount("200Mi")}},
		{"validate", " (default limit of LimitRange defaults)", "set a limit of", corev1.ResourceRequirements{Requests: amount("250Mi")}},
	}
	for _, test := range tests {
		t.Run(test.hook, func(t *testing.T) {
			p := p
			p.T = t
			broken := sound.DeepCopy()
			containers("registry.example.com/app:1", test.resources)(broken)
			var wanted, fields []string
			for i := range 40 {
				wanted = append(wanted, fmt.Sprintf("(%d) containers.container-%02d.resources.requests.memory: request 250Mi exceeds the limit 200Mi%s; lower the request to 200Mi or %s 250Mi",
					i+1, i, test.origin, test.raise))
				fields = append(fields, fmt.Sprintf("spec.template.spec.containers[%d].resources.requests[memory]", i))
			}
			want := fmt.Sprintf(`admission webhook "%s.reprise.dev" denied the request: 40 reasons: %s; revision 1 keeps running`, test.hook, strings.Join(wanted, "; "))
			p.answersUpdate(broken, want)

			// kubectl apply prints the whole patch first: everything is on the line that comes after it.
			said := p.applyDenied(broken)
			lines := strings.Split(strings.TrimSpace(said), "\n")
			if last := lines[len(lines)-1]; !strings.HasSuffix(last, want) {
				t.Errorf("kubectl's last line lacks something: %s", last)
			}
			_, err := p.client.AppsV1().Deployments("forty").Update(t.Context(), broken, metav1.UpdateOptions{})
			var status apierrors.APIStatus
			if !errors.As(err, &status) || status.Status().Details == nil {
				t.Fatalf("no status: %v", err)
			}
			var got []string
			for _, cause := range status.Status().Details.Causes {
				got = append(got, cause.Field)
			}
			slices.Sort(got)
			slices.Sort(fields)
			if diff := cmp.Diff(fields, got); diff != "" {
				t.Errorf("causes differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFortyWarningsAreCountedWhereTheyDoNotFit: the API server cuts and drops what is beyond its
// limits without a word.
func TestFortyWarningsAreCountedWhereTheyDoNotFit(t *testing.T) {
	p := newNamedPlace(t, "forty-warnings")
	name := "registry.example.com/" + strings.Repeat("a-long-path/", 10) + "app"
	var said []string
	// A namespace that was made just now is not known yet, and a policy of a test before may be in
	// force still. There is one warning for each container, and one that there is no readiness probe.
	product.Eventually(t, func() (bool, string) {
		denial := p.dryRun("forty-warnings", acceptable("many", containers(name, corev1.ResourceRequirements{})))
		said = strings.Split(p.Warnings.Take(), "\n")
		return denial == "" && said[len(said)-1] == fmt.Sprintf("%d more warnings", 41-len(said)+1), fmt.Sprintf("%s; %d warnings: %q", denial, len(said), said)
	})
	total := 0
	for _, warning := range said {
		total += utf8.RuneCountInString(warning)
		if utf8.RuneCountInString(warning) > 256 {
			t.Errorf("a warning is too long: %s", warning)
		}
	}
	if total > 4096 {
		t.Errorf("%d warnings with %d runes: %q", len(said), total, said)
	}
	if !slices.IsSorted(said[1 : len(said)-1]) {
		t.Errorf("the warnings are not sorted: %q", said)
	}
}

func (p place) apply(d *appsv1.Deployment) {
	p.Helper()
	if _, stderr, err := shared.KubectlInput(p.Context(), strings.NewReader(encoded(p.T, d)), "apply", "-n", "forty", "-f", "-"); err != nil {
		p.Fatalf("%v: %s", err, stderr)
	}
}

// applyDenied applies what is to be denied, and returns what kubectl says.
func (p place) applyDenied(d *appsv1.Deployment) string {
	p.Helper()
	_, stderr, err := shared.KubectlInput(p.Context(), strings.NewReader(encoded(p.T, d)), "apply", "-n", "forty", "-f", "-")
	if err == nil {
		p.Fatal("it was not refused")
	}
	return stderr
}

// answersUpdate waits until the dry run of an update is refused with what is wanted.
func (p place) answersUpdate(d *appsv1.Deployment, want string) {
	p.Helper()
	product.Eventually(p, func() (bool, string) {
		_, err := p.client.AppsV1().Deployments("forty").Update(p.Context(), d, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		return err != nil && err.Error() == want, fmt.Sprintf("the answer is %v, want %q", err, want)
	})
}

func encoded(t *testing.T, d *appsv1.Deployment) string {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
