package diff_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

// leak is in every place of which a credential may come into a diff.
const leak = "hunter2leak"

func TestChanges_HideCredentialsInEveryForm(t *testing.T) {
	old := diff.Revision{Intent: workload.Intent{Annotations: map[string]string{"example.com/api-token": leak}}}
	container := corev1.Container{
		Name: "main", Image: "x",
		Args:    []string{"--password", leak, "--api-key=" + leak, "postgres://me:" + leak + "@db/x"},
		Command: []string{"sh", "-c", "export TOKEN=" + leak + "\nDB_PASSWORD='" + leak + "' run"},
		Env: []corev1.EnvVar{
			{Name: "DB_PASSWORD", Value: leak},
			{Name: "DATABASE_URL", Value: "postgres://me:" + leak + "@db/x"},
			{Name: "CONFIG", Value: "a: b\npassword: the " + leak + "\ntoken: |\n  x\n  " + leak + "\nport: 1\n"},
			{Name: "LONG", Value: strings.Repeat("x ", 4000) + "postgres://me:" + strings.Repeat("y", 200) + leak + "@db/x"},
		},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			HTTPHeaders: []corev1.HTTPHeader{{Name: "X-Api-Key", Value: leak}, {Name: "Authorization", Value: "Custom " + leak}}}}},
	}
	whole := diff.Revision{
		Intent: workload.Intent{Spec: deploymentOf(container)},
		Files: diff.Files{
			{Container: "main", Path: "/etc/app.yaml"}: text("db:\n  password: a " + leak + "\n  keys:\n  - private_key: >-\n      " + leak + "\n"),
			{Container: "main", Path: "/etc/app.env"}:  text("export API_KEY=" + leak + " and\nURL=amqp://u:" + leak + "@mq\n"),
			{Container: "main", Path: "/etc/app.json"}: text(`{"a":{"clientSecret": "` + leak + `"}}`),
			{Container: "main", Path: "/etc/tls.key"}:  text(leak),
		},
	}
	bare := whole
	bare.Intent = workload.Intent{Spec: deploymentOf(corev1.Container{Name: "main", Image: "x"})}
	for _, pair := range [][2]diff.Revision{{old, whole}, {whole, old}, {bare, whole}, {whole, bare}} {
		changes := compare(t, pair[0], pair[1])
		if form := everyForm(t, changes); strings.Contains(form, leak) {
			at := strings.Index(form, leak)
			t.Errorf("shown: %q", form[max(0, at-200):at+len(leak)])
		}
	}
}

func deploymentOf(container corev1.Container) (spec appsv1.DeploymentSpec) {
	spec.Template.Spec.Containers = []corev1.Container{container}
	return spec
}
