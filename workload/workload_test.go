package workload_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func deployment(change func(*appsv1.Deployment)) *appsv1.Deployment {
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "a",
			Annotations: map[string]string{workload.NameAnnotation: "a"},
			Labels:      map[string]string{"app": "a"},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:1"}}},
			},
		},
	}
	if change != nil {
		change(d)
	}
	return d
}

func TestIsManaged(t *testing.T) {
	tests := map[string]struct {
		reason            string
		change            func(*appsv1.Deployment)
		admitted, guarded bool
	}{
		"Score":    {"Score's marker is enough", nil, true, true},
		"NoMarker": {"a Deployment of somebody else is left alone", func(d *appsv1.Deployment) { d.Annotations = nil }, false, false},
		"Empty":    {"an empty marker is none", func(d *appsv1.Deployment) { d.Annotations[workload.NameAnnotation] = "" }, false, false},
		"ManagedBy": {"managed-by is no marker", func(d *appsv1.Deployment) {
			d.Annotations = nil
			d.Labels["app.kubernetes.io/managed-by"] = "score-k8s"
		}, false, false},
		"OptedIn": {"the label opts in", func(d *appsv1.Deployment) { d.Annotations = nil; d.Labels[v1alpha1.GuardLabel] = "enabled" }, true, true},
		"OptedOut": {
			"the label takes out of history and rollback, never out of admission",
			func(d *appsv1.Deployment) { d.Labels[v1alpha1.GuardLabel] = "disabled" }, true, false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := deployment(tt.change)
			if got := workload.IsManaged(d); got != tt.admitted {
				t.Errorf("%s: admitted is %v", tt.reason, got)
			}
			if got := workload.IsGuarded(d); got != tt.guarded {
				t.Errorf("%s: guarded is %v", tt.reason, got)
			}
		})
	}
	if workload.IsManaged(nil) || workload.IsGuarded(nil) {
		t.Error("nothing is no workload")
	}
}

func TestIntent_HashChangesOnlyByADeploy(t *testing.T) {
	tests := map[string]struct {
		reason                   string
		change                   func(*appsv1.Deployment)
		sameIntent, sameTemplate bool
	}{
		"Replicas":   {"an autoscaler's", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(9)) }, true, true},
		"Pause":      {"somebody operates the rollout", func(d *appsv1.Deployment) { d.Spec.Paused = true }, true, true},
		"Status":     {"the server's", func(d *appsv1.Deployment) { d.Status.Replicas = 1; d.Generation = 4; d.ResourceVersion = "7" }, true, true},
		"Controller": {"the deployment controller's", func(d *appsv1.Deployment) { d.Annotations["deployment.kubernetes.io/revision"] = "3" }, true, true},
		"Kubectl":    {"kubectl's memory", func(d *appsv1.Deployment) { d.Annotations[workload.LastApplied] = "{}" }, true, true},
		"Setting":    {"a setting of Reprise's", func(d *appsv1.Deployment) { d.Annotations[v1alpha1.RollbackAnnotation] = "off" }, true, true},
		"TemplateSetting": {"a setting where Score puts it replaces pods", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{v1alpha1.BakeTimeAnnotation: "5s"}
		}, false, true},
		"Restart": {"kubectl rollout restart is a deploy of the same pods", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "now"}
		}, false, true},
		"Rancher":      {"a controller writes what it found", func(d *appsv1.Deployment) { d.Annotations["field.cattle.io/publicEndpoints"] = "[]" }, true, true},
		"RancherLabel": {"a controller's label", func(d *appsv1.Deployment) { d.Labels["workload.cattle.io/state"] = "x" }, true, true},
		"Autopilot":    {"a mutator notes what it did", func(d *appsv1.Deployment) { d.Annotations["autopilot.gke.io/resource-adjustment"] = "{}" }, true, true},
		"Release":      {"Helm adopts what runs", func(d *appsv1.Deployment) { d.Annotations["meta.helm.sh/release-name"] = "x" }, true, true},
		"Kapp":         {"what kapp remembers", func(d *appsv1.Deployment) { d.Annotations["kapp.k14s.io/original"] = "{}" }, true, true},
		"OtherDomain":  {"a domain that only ends so", func(d *appsv1.Deployment) { d.Annotations["notcattle.io/x"] = "1" }, false, true},
		"Redeploy": {"Rancher has pods replaced", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"cattle.io/timestamp": "now"}
		}, false, true},
		"Reload": {"Reloader has pods replaced", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"reloader.stakater.com/last-reloaded-from": "{}"}
		}, false, true},
		"Run":    {"Skaffold marks its run", func(d *appsv1.Deployment) { d.Spec.Template.Labels["skaffold.dev/run-id"] = "a-b-c" }, false, true},
		"Rollme": {"a chart replaces pods each time", func(d *appsv1.Deployment) { d.Spec.Template.Annotations = map[string]string{"rollme": "x7Gh2"} }, false, true},
		"Stamp": {"a pipeline writes the time", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"ci.example/at": "2026-11-26T21:00:00Z"}
		}, false, true},
		"Seconds": {"a pipeline writes seconds", func(d *appsv1.Deployment) { d.Spec.Template.Annotations = map[string]string{"date": "1795726800"} }, false, true},
		"Checksum": {"the hash of a ConfigMap is none of a tool's marks", func(d *appsv1.Deployment) {
			d.Spec.Template.Annotations = map[string]string{"checksum/config": "1795726800ab"}
		}, false, false},
		"Tool":       {"a chart's version on the pods", func(d *appsv1.Deployment) { d.Spec.Template.Labels["helm.sh/chart"] = "x-2" }, false, true},
		"Label":      {"a label on the Deployment", func(d *appsv1.Deployment) { d.Labels["team"] = "x" }, false, true},
		"Annotation": {"an annotation of the deployer's", func(d *appsv1.Deployment) { d.Annotations["team"] = "x" }, false, true},
		"Image":      {"another image", func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "x:2" }, false, false},
		"Strategy":   {"another strategy", func(d *appsv1.Deployment) { d.Spec.MinReadySeconds = 3 }, false, true},
	}
	before := deployment(nil)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			after := deployment(tt.change)
			if got := workload.IntentOf(after).Hash() == workload.IntentOf(before).Hash(); got != tt.sameIntent {
				t.Errorf("%s: same intent is %v", tt.reason, got)
			}
			if got := workload.TemplateHash(&after.Spec.Template) == workload.TemplateHash(&before.Spec.Template); got != tt.sameTemplate {
				t.Errorf("%s: same template is %v", tt.reason, got)
			}
		})
	}
}

func TestSettingsOf_Precedence(t *testing.T) {
	d := deployment(func(d *appsv1.Deployment) {
		d.Annotations[v1alpha1.RollbackAnnotation] = "manual"
		d.Spec.Template.Annotations = map[string]string{v1alpha1.RollbackAnnotation: "off", v1alpha1.BakeTimeAnnotation: "5s"}
	})
	namespace := map[string]string{
		v1alpha1.BakeTimeAnnotation: "9s", v1alpha1.HistoryLimitAnnotation: "3",
		v1alpha1.FailureDeadlineAnnotation: "2m", v1alpha1.QuarantineAnnotation: "off",
	}
	got, problems := workload.SettingsOf(d, namespace, workload.DefaultSettings())
	want := workload.Settings{
		Rollback: workload.ModeManual, BakeTime: 5 * time.Second, FailureDeadline: 2 * time.Minute, HistoryLimit: 3, MaxHistory: 50,
		PinImages: workload.PinAuto,
	}
	if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
		t.Errorf("problems %v (-want +got)\n%s", problems, diff)
	}
}

func TestSettingsOf_InvalidValues(t *testing.T) {
	d := deployment(func(d *appsv1.Deployment) {
		d.Annotations[v1alpha1.RollbackAnnotation] = "Off"
		d.Annotations[v1alpha1.BakeTimeAnnotation] = "-1s"
		d.Annotations[v1alpha1.HistoryLimitAnnotation] = "1"
		d.Annotations[v1alpha1.QuarantineAnnotation] = "yes"
	})
	got, problems := workload.SettingsOf(d, nil, workload.DefaultSettings())
	want := workload.DefaultSettings()
	want.Rollback = workload.ModeManual
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		`annotation reprise.dev/rollback is "Off": expected auto, manual or off; Reprise uses manual`,
		`annotation reprise.dev/bake-time is "-1s": expected a duration such as 30s`,
		`annotation reprise.dev/history-limit is "1": expected a number from 2 to 50`,
		`annotation reprise.dev/quarantine is "yes": expected on or off`,
	}, problems); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSettingsOf_HistoryLimitHasACeiling(t *testing.T) {
	for value, want := range map[string]int{"2": 2, "50": 50, "51": 10, "1000000": 10} {
		d := deployment(func(d *appsv1.Deployment) { d.Annotations[v1alpha1.HistoryLimitAnnotation] = value })
		got, problems := workload.SettingsOf(d, nil, workload.DefaultSettings())
		if got.HistoryLimit != want || (len(problems) > 0) != (value != "2" && value != "50") {
			t.Errorf("%s: the limit is %d, want %d; problems %q", value, got.HistoryLimit, want, problems)
		}
	}
}
