package smoke

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/test/harness/node"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/test/harness/tutorial"
)

// within bounds every wait: it is met in seconds, and a loaded machine takes longer.
const within = "--timeout=120s"

// kubectl runs kubectl in the namespace and fails the test if it fails.
func kubectl(t *testing.T, namespace, stdin string, args ...string) string {
	t.Helper()
	stdout, stderr, err := shared.KubectlInput(t.Context(), strings.NewReader(stdin), append([]string{"-n", namespace}, args...)...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// newNamespace creates a namespace for the test.
func newNamespace(t *testing.T, name string) string {
	t.Helper()
	node.Require(t)
	kubectl(t, "default", "", "create", "namespace", name)
	return name
}

func TestAScoreWorkloadRunsCrashesAndComesBack(t *testing.T) {
	namespace := newNamespace(t, "crash")
	kubectl(t, namespace, tutorial.WithoutRoute(t, product.Tutorial(t, "1-healthy")), "apply", "-f", "-")
	kubectl(t, namespace, "", "rollout", "status", "deployment/sample-app", within)
	healthy := kubectl(t, namespace, "", "get", "pods", "-o", "name")

	kubectl(t, namespace, tutorial.WithoutRoute(t, product.Tutorial(t, "6-crashloop")), "apply", "-f", "-")
	const restarted = `jsonpath={.items[?(@.status.containerStatuses[0].restartCount>=1)].metadata.name}`
	crashing := eventually(t, func() string { return kubectl(t, namespace, "", "get", "pods", "-o", restarted) })
	if got := kubectl(t, namespace, "", "logs", "--previous", crashing); got != "boom\n" {
		t.Errorf("kubectl logs --previous printed %q, want what the container wrote before it ended", got)
	}
	eventually(t, func() string {
		return kubectl(t, namespace, "", "get", "events", "--field-selector=reason=BackOff,involvedObject.name="+crashing, "-o", "name")
	})

	kubectl(t, namespace, "", "rollout", "undo", "deployment/sample-app")
	kubectl(t, namespace, "", "rollout", "status", "deployment/sample-app", within)
	if after := kubectl(t, namespace, "", "get", strings.TrimSpace(healthy), "-o", "name"); after != healthy {
		t.Errorf("after the way back %q runs, want the pod that never stopped, %q", after, healthy)
	}
}

func TestLogsAreFollowed(t *testing.T) {
	namespace := newNamespace(t, "follow")
	kubectl(t, namespace, "", "run", "app", "--image=registry.example.com/app:1", "--", "--log-every=200ms")
	kubectl(t, namespace, "", "wait", "--for=condition=Ready", "pod/app", within)
	cmd := shared.KubectlCommand(t.Context(), "-n", namespace, "logs", "-f", "app")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	lines := bufio.NewScanner(out)
	for want := 0; lines.Scan(); want++ {
		if want > 0 && lines.Text() != fmt.Sprint("line ", want) {
			t.Fatalf("line %d is %q", want, lines.Text())
		}
		// Those after the connection cannot have been there when it was made.
		if want > 10 && time.Since(begun) > time.Second {
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatalf("kubectl ended by itself: %v", err)
	}
	_ = cmd.Wait() // it was killed
}

func TestAServiceLeadsToItsPods(t *testing.T) {
	namespace := newNamespace(t, "service")
	kubectl(t, namespace, tutorial.WithoutRoute(t, product.Tutorial(t, "1-healthy")), "apply", "-f", "-")
	kubectl(t, namespace, "", "rollout", "status", "deployment/sample-app", within)
	address := kubectl(t, namespace, "", "get", "service", "sample-app", "-o", "jsonpath={.spec.clusterIP}")
	answer := eventually(t, func() string {
		response, err := http.Get("http://" + address) // the test lives where the node lives
		if err != nil {
			return ""
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		return string(body)
	})
	if answer != "hello\n" {
		t.Errorf("the Service answers %q, want the pod's greeting", answer)
	}
}

// eventually waits until what it asks for is not empty, and returns it.
func eventually(t *testing.T, ask func() string) string {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if got := ask(); got != "" {
			return got
		}
	}
	t.Fatal("what was waited for did not come")
	return ""
}
