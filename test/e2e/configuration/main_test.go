// Package configuration tests on the real process that a change of its configuration file acts
// without a restart.
package configuration

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// shared serves all tests of the package.
var shared *cluster.Cluster

func TestMain(m *testing.M) {
	os.Exit(cluster.Serve(m, cluster.Options{}, func(c *cluster.Cluster) { shared = c }))
}

var running = sync.OnceValues(func() (*product.Instance, error) { return product.Serve(shared, nil, nil) })

// place is a namespace beside a running product, whose file a test changes.
type place struct{ product.Place }

func newPlace(t *testing.T) place {
	t.Helper()
	p := place{product.NewPlace(t, running, nil)}
	before, err := os.ReadFile(p.Instance.Config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.write(string(before)) })
	return p
}

// write changes the configuration file.
func (p place) write(content string) {
	p.Helper()
	if err := os.WriteFile(p.Instance.Config, []byte(content), 0o600); err != nil {
		p.Fatal(err)
	}
}

func (p place) log() string {
	p.Helper()
	logs, err := p.Instance.Logs()
	if err != nil {
		p.Fatal(err)
	}
	return logs
}

// logs waits until the process has logged a line with all of the words.
func (p place) logs(words ...string) {
	p.Helper()
	product.Eventually(p, func() (bool, string) {
		for line := range strings.Lines(p.log()) {
			missing := false
			for _, w := range words {
				missing = missing || !strings.Contains(line, w)
			}
			if !missing {
				return true, ""
			}
		}
		return false, fmt.Sprintf("no line of the log has %q", words)
	})
}

// valid waits until the process reports whether the current file is active.
func (p place) valid(want bool) {
	p.Helper()
	line := "reprise_config_last_reload_successful 0"
	if want {
		line = "reprise_config_last_reload_successful 1"
	}
	product.Eventually(p, func() (bool, string) {
		return p.Instance.MetricsOf(p, "reprise_config_last_reload_successful") == line, "the metrics do not say " + line
	})
}

// workload is one that no rule objects to by default, and whose rollout completes.
func (p place) workload(name string) *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/instance": name + "-1a2b3c"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: name, Annotations: map[string]string{"k8s.score.dev/workload-name": name}},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.example.com/app:1"}}},
			},
		},
	}
}
