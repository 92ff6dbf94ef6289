package attack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

// escaped is what the API server writes as six bytes where a client wrote one.
const escaped = "<"

// limited is a tenant whose namespace limits the memory of a container to 100Mi by default.
func limited(t *testing.T) tenant {
	t.Helper()
	p := newTenant(t, nil)
	p.Create(&corev1.LimitRange{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "limits"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Default: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("100Mi")},
		}}},
	})
	product.Eventually(t, func() (bool, string) { // Reprise learns of the limit by its cache.
		err := p.API.Create(t.Context(), violating(p.Namespace, "tried"), client.DryRunAll)
		return apierrors.IsForbidden(err), fmt.Sprintf("the answer is %v", err)
	})
	return p
}

// violating is a Deployment that the built-in policy requests-within-limits denies in such a
// namespace. The API server's own validation does not: it compares a Pod's requests only.
func violating(namespace, name string) *appsv1.Deployment {
	d := product.Idle(namespace, name)
	d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("200Mi")}
	return d
}

// pad makes a Deployment larger by an environment variable.
func pad(d *appsv1.Deployment, with string, bytes int) *appsv1.Deployment {
	c := &d.Spec.Template.Spec.Containers[0]
	c.Env = append(c.Env, corev1.EnvVar{Name: "PAD", Value: strings.Repeat(with, bytes/len(with))})
	return d
}

// TestPaddingPassesNoPolicy sends a Deployment that a policy denies, in all sizes up to what the
// API server takes: whatever it answers, nothing is stored.
func TestPaddingPassesNoPolicy(t *testing.T) {
	t.Parallel()
	p := limited(t)
	for _, with := range []string{"x", escaped, "\u0001", "ä"} {
		for _, size := range []int{0, 200_000, 1_230_000, 1_500_000, 2_900_000} {
			d := pad(violating(p.Namespace, "padded"), with, size)
			begun := time.Now()
			err := p.API.Create(t.Context(), d)
			if err == nil {
				t.Errorf("stored with a padding of %d bytes of %q; warnings: %s", size, with, p.Warnings.Take())
				if err := p.API.Delete(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				continue
			}
			said := err.Error()
			if len(said) > 300 {
				said = said[:300]
			}
			t.Logf("%d bytes of %q: %s: %s", size, with, time.Since(begun).Round(time.Millisecond), said)
		}
	}
}

// TestPaddingAnUpdatePassesNoPolicy pads the old object too, so that a review holds two large ones.
func TestPaddingAnUpdatePassesNoPolicy(t *testing.T) {
	t.Parallel()
	p := limited(t)
	d := pad(product.Idle(p.Namespace, "padded"), escaped, 700_000)
	if err := p.API.Create(t.Context(), d); err != nil {
		t.Fatalf("a large Deployment that violates nothing: %v", err)
	}
	before := d.DeepCopy()
	d.Spec.Template.Spec.Containers[0].Resources = violating("", "x").Spec.Template.Spec.Containers[0].Resources
	if err := p.API.Patch(t.Context(), d, client.StrategicMergeFrom(before)); !apierrors.IsForbidden(err) {
		t.Errorf("the update: %v, want a denial", err)
	}
}

// TestManyAtOnceEachMeetThePolicies sends more reviews at once than are evaluated at once, which
// cost as much as an object can: each is denied or told to try again, and a neighbour is not held
// up.
func TestManyAtOnceEachMeetThePolicies(t *testing.T) {
	t.Parallel()
	p, neighbour := limited(t), limited(t)
	const many = 16
	stored := make(chan string, many)
	for i := range many {
		go func() {
			d := pad(violating(p.Namespace, fmt.Sprintf("bomb-%d", i)), escaped, 300_000)
			for v := range 300 {
				d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, corev1.Volume{
					Name: fmt.Sprintf("v%d", v), VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
				})
			}
			if err := p.API.Create(t.Context(), d); err != nil {
				stored <- ""
				return
			}
			stored <- d.Name
		}()
	}
	var slowest time.Duration
	for i := range 20 {
		d := product.Idle(neighbour.Namespace, fmt.Sprintf("calm-%d", i))
		begun := time.Now()
		if err := neighbour.API.Create(t.Context(), d); err != nil {
			t.Errorf("a neighbour's deploy: %v", err)
		}
		slowest = max(slowest, time.Since(begun))
		bad := violating(neighbour.Namespace, fmt.Sprintf("bad-%d", i))
		if err := neighbour.API.Create(t.Context(), bad, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("a neighbour's violation meanwhile: %v, want a denial", err)
		}
	}
	for range many {
		if name := <-stored; name != "" {
			t.Errorf("%s is stored; warnings: %s", name, p.Warnings.Take())
		}
	}
	t.Logf("a neighbour's slowest deploy took %s", slowest.Round(time.Millisecond))
}
