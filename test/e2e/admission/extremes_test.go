package integration

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/test/harness/product"
)

// workload makes a Deployment without pods, changed as the test wants it.
func (p place) workload(name string, change func(*corev1.Container)) *appsv1.Deployment {
	p.Helper()
	labels := map[string]string{"app": "extreme"}
	container := corev1.Container{Name: "main", Image: "example.com/app:1"}
	if change != nil {
		change(&container)
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name, Annotations: map[string]string{"k8s.score.dev/workload-name": "extreme"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{container}},
			},
		},
	}
	if err := p.api.Create(p.Context(), d); err != nil {
		p.Fatal(err)
	}
	return d
}

func TestExtremeWorkloadsAreRecorded(t *testing.T) {
	t.Parallel()
	p := newPlace(t, quick)
	for name, change := range map[string]func(*corev1.Container){
		strings.Repeat("n", 253): nil,
		"many-variables": func(c *corev1.Container) {
			for i := range 1000 {
				c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("V%d", i), Value: strings.Repeat("x", 100)})
			}
		},
		"one-large-variable": func(c *corev1.Container) {
			c.Env = []corev1.EnvVar{{Name: "V", Value: strings.Repeat("x", 1<<20)}}
		},
	} {
		p.workload(name, change)
		p.becomes(name, "1 Progressing")
	}
}

// nearEtcdsLimit is a size in bytes that fits into a request of 1.5 MiB, etcd's default limit, with a Deployment around
// it, but not with a Revision around it.
const nearEtcdsLimit = 1_571_000

func TestAWorkloadTooLargeToBeRecordedSaysSoAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	p := newPlace(t, quick)
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	noise := make([]byte, nearEtcdsLimit) // What is random hardly shrinks when it is compressed.
	for i := range noise {
		noise[i] = byte('!' + random.IntN('~'-'!'))
	}
	d := p.workload("too-large", func(c *corev1.Container) {
		c.Env = []corev1.EnvVar{{Name: "V", Value: string(noise)}}
	})
	if message := p.event("RecordingFailed", d.Name); !strings.Contains(message, "cannot be used as a rollback target") {
		t.Errorf("the event says %q", message)
	}
	// A patch, not an update: the deployment controller writes the object too.
	p.kubectl("patch", "deployment", d.Name, "--type=json", "-p", `[{"op":"remove","path":"/spec/template/spec/containers/0/env"}]`)
	p.becomes("too-large", "1 Progressing")
	p.workload("neighbour", nil)
	p.becomes("neighbour", "1 Progressing")
}

func TestHistoryIsPrunedToItsLimitAndKeepsTheLastHealthyRevision(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "1s", "reprise.dev/history-limit": "3"})
	p.kubectl("apply", "-f", tutorial("1-healthy"))
	p.becomes("sample-app", "1 Healthy")
	p.kubectl("scale", "deployment/sample-app", "--replicas=0") // Nothing runs, so nothing becomes healthy any more.
	for i := range 5 {
		p.kubectl("set", "image", "deployment/sample-app", fmt.Sprintf("frontend=example.com/app:%d", i))
		product.Eventually(t, func() (bool, string) {
			newest := p.revisions("sample-app").Newest()
			return newest != nil && newest.Spec.Number == int64(i+2) && newest.Status.Phase != "", "the deploy is not recorded"
		})
	}
	p.becomes("sample-app", "1 Healthy, 5 Superseded, 6 Progressing")
}

func TestAWorkloadMadeAgainGoesOnWithItsHistory(t *testing.T) {
	t.Parallel()
	p := newPlace(t, quick)
	p.kubectl("apply", "-f", tutorial("1-healthy"))
	p.becomes("sample-app", "1 Healthy")
	p.kubectl("delete", "deployment", "sample-app")
	p.kubectl("apply", "-f", tutorial("1-healthy"))
	h := p.becomes("sample-app", "1 Healthy, 2 Healthy")
	if h[0].Spec.WorkloadRef.UID == h[1].Spec.WorkloadRef.UID {
		t.Error("both revisions have the UID of the same workload")
	}
}
