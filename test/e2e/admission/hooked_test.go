package admission

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/workload"
)

// hooked is an API server by itself, whose only client is the test, with the chart installed and a
// counter in the place of Reprise: what is counted is what the chart's match conditions let
// through, and nothing else writes.
type hooked struct {
	*testing.T
	cluster *cluster.Cluster
	client  kubernetes.Interface
	calls   *counter
}

// startHooked installs the chart so that an expression that cannot be evaluated refuses the
// request.
func startHooked(t *testing.T) hooked {
	t.Helper()
	c, err := cluster.Start(t.Context(), cluster.Options{ControlPlaneOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	certificate, err := c.ServingCertificate("counter")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(certificate.CertFile, certificate.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	calls := &counter{calls: map[string]int{}}
	server := httptest.NewUnstartedServer(calls)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	values := map[string]any{
		"webhook":      map[string]any{"url": server.URL, "failurePolicy": "Fail", "timeoutSeconds": 10},
		"certificates": map[string]any{"mode": "existing", "caBundle": base64.StdEncoding.EncodeToString(c.CA())},
	}
	if err := c.InstallChart(t.Context(), "reprise", "reprise-system", values); err != nil {
		t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	h := hooked{T: t, cluster: c, client: client, calls: calls}
	h.awaitHooks()
	return h
}

// awaitHooks returns when the API server calls both hooks, some time after their configurations are
// stored.
func (h hooked) awaitHooks() {
	h.Helper()
	over := marked("probe")
	over.Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceMemory] = resource.MustParse("300Mi")
	product.Eventually(h.T, func() (bool, string) {
		for _, d := range []*appsv1.Deployment{marked("probe"), over} {
			_, err := h.client.AppsV1().Deployments("default").Create(h.Context(), d, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil && !apierrors.IsInvalid(err) {
				h.Fatal(err)
			}
		}
		early, validate := h.take()
		return early == 1 && validate == 1, fmt.Sprintf("%d early calls and %d to validate, want 1 and 1", early, validate)
	})
}

// take returns how often each hook was called since the last time.
func (h hooked) take() (early, validate int) {
	h.calls.mu.Lock()
	defer h.calls.mu.Unlock()
	early, validate = h.calls.calls["/admission/early"], h.calls.calls["/admission/validate"]
	h.calls.calls = map[string]int{}
	return early, validate
}

// calls says how often a write calls each hook.
func (h hooked) called(early, validate int, why string) {
	h.Helper()
	if gotEarly, gotValidate := h.take(); gotEarly != early || gotValidate != validate {
		h.Errorf("%d early calls and %d to validate, want %d and %d: %s", gotEarly, gotValidate, early, validate, why)
	}
}

// marked is a workload with Score's marker, whose memory request is below its limit.
func marked(name string) *appsv1.Deployment {
	d := deployment(name, "100Mi")
	d.Annotations = map[string]string{workload.NameAnnotation: name}
	return d
}

func encode(t *testing.T, object any) string {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// kubectl runs kubectl on standard input and fails the test if it fails.
func (h hooked) kubectl(stdin string, args ...string) {
	h.Helper()
	if out, stderr, err := h.cluster.KubectlInput(h.Context(), strings.NewReader(stdin), args...); err != nil {
		h.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr)
	}
}
