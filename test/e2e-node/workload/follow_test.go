package workload

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/test/harness/product"
)

const talkative = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: talkative
  namespace: talk
  annotations: {k8s.score.dev/workload-name: talkative}
spec:
  selector: {matchLabels: {app: talkative}}
  template:
    metadata: {labels: {app: talkative}}
    spec:
      containers:
        - name: main
          image: registry.example.com/app:1
          args: [--log-every=200ms]
          resources: {limits: {memory: 64Mi, cpu: 100m}}
`

// TestLogsAreFollowedOverPodsThatGoAndCome by the plugin, against a real kubelet.
func TestLogsAreFollowedOverPodsThatGoAndCome(t *testing.T) {
	node.Require(t)
	if _, err := running(); err != nil {
		t.Fatal(err)
	}
	kubectl(t, "", "create", "namespace", "talk")
	kubectl(t, talkative, "apply", "-f", "-")
	kubectl(t, "", "-n", "talk", "rollout", "status", "deployment/talkative", "--timeout=120s")
	product.Eventually(t, func() (bool, string) {
		recorded := kubectl(t, "", "-n", "talk", "get", "workloadrevisions", "-o", "name")
		return recorded != "", "no revision is recorded"
	})
	first := podName(t)

	plugin, err := product.Build(t.Context(), os.Stderr, product.Plugin, "")
	if err != nil {
		t.Fatal(err)
	}
	follow := exec.CommandContext(t.Context(), plugin, "--kubeconfig", shared.Kubeconfig(), "-n", "talk", "logs", "talkative", "-f")
	said := &transcript{}
	follow.Stdout, follow.Stderr = said, said
	if err := follow.Start(); err != nil {
		t.Fatal(err)
	}
	said.shows(t, "[pod/"+first+"/main] line 5")
	kubectl(t, "", "-n", "talk", "delete", "pod", first, "--wait=false")
	product.Eventually(t, func() (bool, string) { now := podName(t); return now != "" && now != first, "the pod is " + now })
	said.shows(t, "[pod/"+podName(t)+"/main] line 5")
	if err := follow.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := follow.Wait(); err != nil {
		t.Errorf("interrupted, it ends with %v:\n%s", err, said)
	}
}

// podName is that of the newest pod.
func podName(t *testing.T) string {
	t.Helper()
	names := strings.Fields(kubectl(t, "", "-n", "talk", "get", "pods", "--sort-by=.metadata.creationTimestamp", "-o", "jsonpath={.items[*].metadata.name}"))
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

func kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	stdout, stderr, err := shared.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// transcript is what a command has printed so far.
type transcript struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.said.String()
}

// shows waits until the words were printed.
func (o *transcript) shows(t *testing.T, words string) {
	t.Helper()
	product.Eventually(t, func() (bool, string) { said := o.String(); return strings.Contains(said, words), said })
}
