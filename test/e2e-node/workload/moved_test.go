package workload

import (
	"strings"
	"testing"

	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/test/harness/product"
)

const movedImage = "registry.example.com/moved:latest"

// moving is a workload whose tag will move; VALUE is its variable.
const moving = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: moving
  annotations: {k8s.score.dev/workload-name: moving}
spec:
  selector: {matchLabels: {app: moving}}
  template:
    metadata: {labels: {app: moving}}
    spec:
      containers:
        - name: main
          image: ` + movedImage + `
          env: [{name: VALUE, value: "VALUE"}]
          resources: {limits: {memory: 64Mi, cpu: 100m}}
          readinessProbe: {httpGet: {path: /readyz, port: 9898}, periodSeconds: 1}
`

// TestReprise_RestoresTheBytesOfATagThatMoved changes a variable while the tag names bytes that
// crash: a rollback to the tag would pull them again.
func TestReprise_RestoresTheBytesOfATagThatMoved(t *testing.T) {
	node.Require(t)
	push := func(flags ...string) {
		t.Helper()
		image, err := shared.Sample(flags...)
		if err != nil {
			t.Fatal(err)
		}
		if err := shared.Registry.Push(t.Context(), movedImage, image); err != nil {
			t.Fatal(err)
		}
	}
	p := product.NewPlace(t, running, product.Quick)
	deploy := func(value string) {
		t.Helper()
		if out, err := p.TryKubectl([]byte(strings.Replace(moving, `"VALUE"`, `"`+value+`"`, 1)), "apply", "-f", "-"); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	push()
	deploy("1")
	h := p.Becomes("moving", "1 Healthy")
	if len(h[0].Status.Images) != 1 || len(h[0].Status.Images[0].Digests) != 1 {
		t.Fatalf("#1 ran %+v", h[0].Status.Images)
	}
	digest := h[0].Status.Images[0].Digests[0]
	push("--exit-after=100ms", "--message=broken bytes")
	deploy("2")
	h = p.Becomes("moving", "1 Healthy, 2 RolledBack, 3 Healthy")
	if got, want := p.Deployment("moving").Spec.Template.Spec.Containers[0].Image, movedImage+"@"+digest; got != want {
		t.Errorf("the image is %s, want %s", got, want)
	}
	if changes := h[1].Status.Failure.Changes; len(changes) == 0 || !strings.Contains(changes[0], "@sha256:") {
		t.Errorf("the changes of #2 are %q, want the digests first", changes)
	}
	p.Says(p.Event("RolledBack", "moving"), "since the tag moved")
	push()
	deploy("3")
	p.Becomes("moving", "1 Healthy, 2 RolledBack, 3 Healthy, 4 Healthy")
	if got := p.Deployment("moving").Spec.Template.Spec.Containers[0].Image; got != movedImage {
		t.Errorf("the next apply leaves %s", got)
	}
}
