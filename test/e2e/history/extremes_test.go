package history

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/test/harness/product"
)

func TestExtremeWorkloadsAreRecorded(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
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
		p.CreateIdle(name, change)
		p.Becomes(name, "1 Progressing")
	}
}

// nearEtcdsLimit is a size in bytes that fits into a request of 1.5 MiB, etcd's default limit, with
// a Deployment around it, but not with a revision around it.
const nearEtcdsLimit = 1_571_000

func TestAWorkloadTooLargeToBeRecordedSaysSoAndHoldsUpNobody(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	const seed = 1
	random := rand.New(rand.NewPCG(seed, seed))
	noise := make([]byte, nearEtcdsLimit) // What is random hardly shrinks when it is compressed.
	for i := range noise {
		noise[i] = byte('!' + random.IntN('~'-'!'))
	}
	d := p.CreateIdle("too-large", func(c *corev1.Container) {
		c.Env = []corev1.EnvVar{{Name: "V", Value: string(noise)}}
	})
	if message := p.Event("RecordingFailed", d.Name); !strings.Contains(message, "cannot be used as a rollback target") {
		t.Errorf("the event says %q", message)
	}
	// A patch, not an update: the deployment controller writes the object too.
	p.Kubectl("patch", "deployment", d.Name, "--type=json", "-p", `[{"op":"remove","path":"/spec/template/spec/containers/0/env"}]`)
	p.Becomes("too-large", "1 Progressing")
	p.CreateIdle("neighbour", nil)
	p.Becomes("neighbour", "1 Progressing")
}

func TestHistoryIsPrunedToItsLimitAndKeepsTheLastHealthyRevision(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]string{"reprise.dev/bake-time": "1s", "reprise.dev/history-limit": "3"})
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Kubectl("scale", "deployment/sample-app", "--replicas=0") // Nothing runs, so nothing becomes healthy any more.
	for i := range 5 {
		p.Kubectl("set", "image", "deployment/sample-app", fmt.Sprintf("frontend=example.com/app:%d", i))
		product.Eventually(t, func() (bool, string) {
			newest := p.Revisions("sample-app").Newest()
			return newest != nil && newest.Spec.Number == int64(i+2) && newest.Status.Phase != "", "the deploy is not recorded"
		})
	}
	p.Becomes("sample-app", "1 Healthy, 5 Superseded, 6 Progressing")
}

func TestAWorkloadMadeAgainGoesOnWithItsHistory(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	p.Kubectl("delete", "deployment", "sample-app")
	p.Apply("1-healthy")
	h := p.Becomes("sample-app", "1 Healthy, 2 Healthy")
	if h[0].Spec.WorkloadRef.UID == h[1].Spec.WorkloadRef.UID {
		t.Error("both revisions have the UID of the same workload")
	}
}
