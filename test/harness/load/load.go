// Package load plays a deployer that never pauses, and counts which of its applies failed and which
// were not checked.
package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// AuditPolicy has the API server note which webhooks it did not reach, and what is deleted.
const AuditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - level: Metadata
    verbs: [create, update, patch]
    resources: [{group: apps, resources: [deployments]}]
  - level: Metadata
    verbs: [delete]
  - level: None
`

const (
	// rate is how many applies a second the load makes.
	rate = 20
	// burst are made at once: the API server then keeps several connections to the webhook, as a busy
	// one does.
	burst = 5
)

// Load is a deployer that never pauses: of its server-side dry runs, which the API server has
// checked like others, every second one must be refused by policy and the others pass.
type Load struct {
	t         testing.TB
	cluster   *cluster.Cluster
	namespace string
	stop      context.CancelFunc
	wait      sync.WaitGroup

	mu        sync.Mutex
	made      int
	failed    []string // neither passed nor refused by policy
	slipped   int      // passed, although it should have been refused
	untrusted []string // handshakes that the caBundle does not verify
	shaken    int
}

// Start starts one in a namespace of its own, as soon as the API server asks Reprise.
func Start(t testing.TB, on *cluster.Cluster) *Load {
	t.Helper()
	c := api(t, on)
	created := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "load-"}}
	if err := c.Create(t.Context(), created); err != nil {
		t.Fatal(err)
	}
	namespace := created.Name
	Bound(t, c, namespace)
	// Until Reprise has seen the bounds, and the API server Reprise.
	product.Eventually(t, func() (bool, string) {
		return Denied(c.Create(t.Context(), Deployment(namespace, 0, true), client.DryRunAll)), "a bad workload passes"
	})
	ctx, cancel := context.WithCancel(t.Context())
	l := &Load{t: t, cluster: on, namespace: namespace, stop: cancel}
	tick := time.NewTicker(burst * time.Second / rate)
	l.wait.Go(func() {
		defer tick.Stop()
		for n := 0; ; n += burst {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				for i := range burst {
					l.wait.Go(func() { l.apply(c, n+i) })
				}
			}
		}
	})
	return l
}

// Bound has a namespace forbid what a bad workload asks for.
func Bound(t testing.TB, c client.Client, namespace string) {
	t.Helper()
	bounds := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "bounds"}}
	bounds.Spec.Limits = []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Max: memory("1Gi")}}
	if err := c.Create(t.Context(), bounds); err != nil {
		t.Fatal(err)
	}
}

// apply is one dry run. It is not cancelled: what is under way when the load ends is counted too.
func (l *Load) apply(c client.Client, n int) {
	bad := n%2 == 1
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err := c.Create(ctx, Deployment(l.namespace, n, bad), client.DryRunAll)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	switch {
	case bad && err == nil:
		l.slipped++
	case bad && Denied(err):
	case err != nil:
		l.failed = append(l.failed, err.Error())
	}
}

// Denied reports whether the error is a denial by Reprise.
func Denied(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "validate.reprise.dev")
}

func memory(quantity string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)}
}

// Deployment is a workload of the n-th apply. A bad one asks for more than the namespace's bounds,
// which the API server would refuse at the pod only.
func Deployment(namespace string, n int, bad bool) *appsv1.Deployment {
	labels := map[string]string{"app": "load"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: fmt.Sprintf("load-%d", n), Annotations: map[string]string{"k8s.score.dev/workload-name": "load"},
		},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Image: "registry.example/load:1.0.0",
					Resources: corev1.ResourceRequirements{Requests: memory("64Mi"), Limits: memory("64Mi")},
				}}},
			},
		},
	}
	if bad {
		d.Spec.Template.Spec.Containers[0].Resources.Limits = memory("2Gi")
	}
	return d
}

// Handshakes has a second client, which opens a connection each time as an API server without one
// does, verify what is served at the address by the stored caBundle, 20 times a second.
func (l *Load) Handshakes(address string) {
	c := api(l.t, l.cluster)
	ctx, cancel := context.WithCancel(l.t.Context())
	former := l.stop
	l.stop = func() { former(); cancel() }
	l.wait.Go(func() {
		tick := time.NewTicker(time.Second / rate)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				l.shake(c, address)
			}
		}
	})
}

func (l *Load) shake(c client.Client, address string) {
	stored := &admissionregistrationv1.ValidatingWebhookConfiguration{}
	err := c.Get(context.Background(), client.ObjectKey{Name: product.Release}, stored)
	if err == nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(stored.Webhooks[0].ClientConfig.CABundle)
		var connection *tls.Conn
		if connection, err = tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "localhost"}); err == nil {
			connection.Close()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shaken++
	if err != nil {
		l.untrusted = append(l.untrusted, err.Error())
	}
}

// End stops the load and waits for what is under way.
func (l *Load) End() {
	l.stop()
	l.wait.Wait()
}

// Flawless ends the load and fails the test where an apply failed or was not checked.
func (l *Load) Flawless() {
	l.t.Helper()
	l.End()
	unchecked := l.FailedOpen()
	l.t.Logf("%d applies at %d a second: %d failed, %d slipped through, %d failed open by the API server's audit; %d handshakes, %d not trusted",
		l.made, rate, len(l.failed), l.slipped, unchecked, l.shaken, len(l.untrusted))
	if l.made == 0 || len(l.failed) > 0 || l.slipped > 0 || unchecked > 0 || len(l.untrusted) > 0 {
		l.t.Errorf("not every apply was checked: %v %v", first(l.failed), first(l.untrusted))
	}
}

func first(all []string) []string { return all[:min(len(all), 3)] }

// Slipped is how many have passed so far that should have been refused.
func (l *Load) Slipped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.slipped
}

// Failed are the errors so far of those that neither passed nor were refused by policy.
func (l *Load) Failed() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.failed)
}

// FailedOpen counts the load's requests that the API server let through because it did not reach a
// webhook.
func (l *Load) FailedOpen() int {
	t := l.t
	t.Helper()
	file, err := os.Open(l.cluster.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	count, seen := 0, 0
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		if event.ObjectRef == nil || event.ObjectRef.Namespace != l.namespace {
			continue
		}
		seen++
		for key := range event.Annotations {
			if strings.HasPrefix(key, "failed-open.") {
				count++
				break
			}
		}
	}
	if seen == 0 {
		t.Errorf("the audit log knows no request in %s: it proves nothing", l.namespace)
	}
	return count
}

func api(t testing.TB, on *cluster.Cluster) client.Client {
	t.Helper()
	c, err := product.NewClient(on)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
