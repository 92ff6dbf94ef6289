package admission

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// publicWorkloads holds what score-k8s writes for other people's Score files. It is not part of
// this repository.
const publicWorkloads = "../../../../shared/score/public"

// TestADefaultInstallDeniesNothingThatRuns: whatever public workload the API server accepts, as a
// Deployment and as the pod that comes of it, the default policies accept too.
// docs/write-a-policy.md says how often each warns, as here.
func TestADefaultInstallDeniesNothingThatRuns(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(publicWorkloads, "*", "manifests.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("the public Score workloads (%s) are not here: the default policies cannot be held to them", publicWorkloads)
	}
	p := newNamedPlace(t, bare, "calibrated")
	judged, refused := 0, 0
	warned := map[string]int{}
	for _, file := range files {
		for _, d := range deployments(t, file) {
			d.Namespace = ""
			judged++
			if reason := p.runs(d); reason != "" {
				refused++
				t.Logf("%s: not accepted by the API server: %.200s", filepath.Base(filepath.Dir(file)), reason)
				continue
			}
			if denial := p.dryRun("calibrated", d); denial != "" {
				t.Errorf("%s: denied: %s", filepath.Base(filepath.Dir(file)), denial)
			}
			count(warned, p.Warnings.Take())
		}
	}
	t.Logf("%d Deployments, %d not accepted by the API server; with warnings: %v", judged, refused, warned)
	if judged-refused < 50 {
		t.Errorf("only %d Deployments were judged", judged-refused)
	}
	text, _ := page(t)
	if want := fmt.Sprintf("many of %d public Score workloads", judged); !strings.Contains(text, want) {
		t.Errorf("the page does not say %q", want)
	}
	for _, kind := range []string{"mutable-image-tag", "readiness-probe-missing", "config-map-missing"} {
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| `%s` .* \\| %d \\|$", kind, warned[kind]))
		if !row.MatchString(text) {
			t.Errorf("the page does not say that %s warns of %d", kind, warned[kind])
		}
	}
}

// runs asks the API server alone, where Reprise is not asked, whether it takes a Deployment and its
// pod.
func (p place) runs(d *appsv1.Deployment) string {
	p.Helper()
	if refusal := p.dryRun(bare, d); refusal != "" {
		return refusal
	}
	template := d.Spec.Template.DeepCopy()
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.GenerateName = "calibrated-"
	if _, err := p.client.CoreV1().Pods(bare).Create(p.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		return "its pod: " + err.Error()
	}
	return ""
}

// count adds one for each kind of warning.
func count(warned map[string]int, said string) {
	for kind, sign := range map[string]string{
		"mutable-image-tag": "may change without a deployment", "readiness-probe-missing": "no container has a readiness probe",
		"config-map-missing": "ConfigMap", "unchecked": "without being fully checked",
	} {
		if strings.Contains(said, sign) {
			warned[kind]++
		}
	}
}

func deployments(t *testing.T, file string) []*appsv1.Deployment {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []*appsv1.Deployment
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(content), 4096)
	for {
		var d appsv1.Deployment
		err := decoder.Decode(&d)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err == nil && d.Kind == "Deployment" {
			found = append(found, &d)
		}
	}
}
