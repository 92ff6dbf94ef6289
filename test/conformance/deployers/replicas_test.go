package deployers

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/test/harness/product"
)

// replicas is who decides how many replicas there are.
type replicas struct {
	name string
	// inManifest are those that each manifest holds, 0 for none.
	inManifest int64
	// scale is done once the workload is there, nil where nobody scales it.
	scale func(p place) (string, error)
	// late says that it is scaled while the bad revision is live.
	late bool
	// always says that whoever scales goes on to do so.
	always bool
}

const (
	inManifest = 2
	scaledTo   = 3
)

var (
	byDefault            = replicas{}
	written              = replicas{name: "ReplicasInTheManifest", inManifest: inManifest}
	scaled               = replicas{name: "Scaled", scale: kubectlScale}
	scaledLate           = replicas{name: "ScaledMeanwhile", scale: kubectlScale, late: true}
	writtenAndScaled     = replicas{name: "ReplicasInTheManifestAndScaled", inManifest: inManifest, scale: kubectlScale}
	autoscaled           = replicas{name: "HPA", scale: horizontalPodAutoscaler, always: true}
	writtenAndAutoscaled = replicas{name: "ReplicasInTheManifestAndHPA", inManifest: inManifest, scale: horizontalPodAutoscaler, always: true}
)

// row is a deployer, and who decides about the replicas.
type row struct {
	deployer deployer
	replicas replicas
}

func (r row) name() string {
	if r.replicas.name == "" {
		return r.deployer.name
	}
	return r.deployer.name + "With" + r.replicas.name
}

// rows are every deployer without replicas, and each with whoever may decide about them. A manifest
// with replicas in it and somebody who scales is a conflict by itself, for whoever applies
// server-side and does not force; it has no row.
func rows() []row {
	var all []row
	for _, d := range deployers() {
		all = append(all, row{d, byDefault})
	}
	for _, d := range deployers() {
		if d.other != nil {
			continue
		}
		all = append(all, row{d, scaled}, row{d, autoscaled})
		if d.imageOnly {
			continue
		}
		all = append(all, row{d, written})
		if d.forces {
			all = append(all, row{d, writtenAndScaled}, row{d, writtenAndAutoscaled})
		}
	}
	return append(all, row{kubectlApply().as("KubectlApply"), scaledLate}, row{kubectlApply("--server-side").as("KubectlApplyServerSide"), scaledLate})
}

func kubectlScale(p place) (string, error) {
	return p.TryKubectl(nil, "scale", "deployment/"+name, fmt.Sprintf("--replicas=%d", scaledTo))
}

// horizontalPodAutoscaler has the real controller scale the workload. There are no metrics here,
// and it needs none to keep to its minimum
// (k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler).
func horizontalPodAutoscaler(p place) (string, error) {
	least := int32(scaledTo)
	return "", p.API.Create(p.Context(), &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: p.Namespace},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    &least, MaxReplicas: 10,
		},
	})
}

// contested says that a deploy sets the replicas to what the manifest holds, whatever they were
// scaled to.
func (r replicas) contested() bool { return r.inManifest > 0 && r.scale != nil }

// begin has the workload scaled and waits for it.
func (r replicas) begin(p place) {
	p.Helper()
	if r.scale == nil {
		return
	}
	p.must(r.scale(p))
	p.scaledTo(scaledTo)
}

// waitFor waits for whoever scales the workload again after a deploy.
func (r replicas) waitFor(p place) {
	p.Helper()
	if r.always {
		p.scaledTo(scaledTo)
	}
}

func (p place) scaledTo(want int64) {
	p.Helper()
	product.Eventually(p, func() (bool, string) {
		got, _, err := unstructured.NestedInt64(p.live().Object, "spec", "replicas")
		return got == want, fmt.Sprintf("there are %d replicas (%v), want %d", got, err, want)
	})
}
