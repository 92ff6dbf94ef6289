package chart

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"
)

// definitions are where the CustomResourceDefinitions of others come from, by the group that a set
// of values may need.
var definitions = map[string]struct{ module, folder string }{
	"cert-manager.io":       {"github.com/cert-manager/cert-manager@v1.21.2", "deploy/crds"},
	"monitoring.coreos.com": {"github.com/prometheus-operator/prometheus-operator@v0.90.1", "example/prometheus-operator-crd"},
}

// TestTheAPIServerTakesAllOfTheChart as it would be installed, into a namespace that enforces
// restricted PodSecurity.
func TestTheAPIServerTakesAllOfTheChart(t *testing.T) {
	if shared == nil {
		t.Skip("golden files are written without a cluster")
	}
	client, err := kubernetes.NewForConfig(shared.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	restricted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted",
	}}}
	if _, err := client.CoreV1().Namespaces().Create(t.Context(), restricted, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	for name, values := range sets(t) {
		t.Run(name, func(t *testing.T) {
			rendered := render(t, values)
			for group, from := range definitions {
				if strings.Contains(rendered, "apiVersion: "+group+"/") {
					define(t, from.module, from.folder)
				}
			}
			out, errs, err := shared.KubectlInput(t.Context(), strings.NewReader(rendered), "apply", "--server-side", "--dry-run=server", "-n", namespace, "-f", "-")
			if err != nil || strings.Contains(errs, "Warning") {
				t.Errorf("%v\n%s", err, errs)
			}
			if sent, taken := strings.Count(rendered, "\nkind: "), strings.Count(out, "serverside-applied (server dry run)"); taken < 10 || taken != sent {
				t.Errorf("%d of %d objects were taken:\n%s", taken, sent, out)
			}
			podsRun(t, client, rendered)
		})
	}
}

// podsRun has the API server judge the pods of every Deployment, whom nobody asks about when a
// Deployment is stored.
func podsRun(t *testing.T, client kubernetes.Interface, rendered string) {
	t.Helper()
	for _, document := range strings.Split(rendered, "---\n") {
		var d appsv1.Deployment
		if !strings.Contains(document, "\nkind: Deployment\n") {
			continue
		}
		if err := yaml.Unmarshal([]byte(document), &d); err != nil {
			t.Fatal(err)
		}
		pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
		pod.GenerateName = d.Name + "-"
		pod.Namespace = namespace
		if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
			t.Errorf("a pod of Deployment %s: %v", d.Name, err)
		}
		pod.Spec.SecurityContext = nil
		if _, err := client.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); !apierrors.IsForbidden(err) {
			t.Errorf("the namespace takes a pod that is not restricted (%v): the answer above proves nothing", err)
		}
	}
}

// define applies the CustomResourceDefinitions that lie in a folder of a module.
func define(t *testing.T, module, below string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module).Output()
	if err != nil {
		t.Fatalf("fetching %s: %v\n%s", module, err, out)
	}
	var fetched struct{ Dir string }
	if err := json.Unmarshal(out, &fetched); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(fetched.Dir, below, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds no CustomResourceDefinitions in %s (%v)", module, below, err)
	}
	args := []string{"apply", "--server-side"}
	for _, file := range files {
		args = append(args, "-f", file)
	}
	if _, errs, err := shared.Kubectl(t.Context(), args...); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	if _, errs, err := shared.Kubectl(t.Context(), "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"); err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
}
