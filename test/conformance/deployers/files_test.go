package deployers

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

const (
	// file is a ConfigMap as Score names it, and its only key.
	file    = name + "-" + container + "-file-932d370d8a"
	fileKey = "file"

	goodFile, badFile = "listen 8080", "listen bad"

	// byTheTest is a scheduler that nobody plays, so that KWOK leaves the pods to the test: what
	// KWOK's do cannot rest on what a file holds.
	byTheTest = "by-the-test"
)

// filed is a workload that reads a file.
func filed() *unstructured.Unstructured {
	d := first.object()
	pod := d.Object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	pod["schedulerName"] = byTheTest
	pod["volumes"] = []any{map[string]any{"name": "config", "configMap": map[string]any{
		"name": file, "items": []any{map[string]any{"key": fileKey, "path": "app.conf"}},
	}}}
	pod["containers"].([]any)[0].(map[string]any)["volumeMounts"] = []any{map[string]any{"name": "config", "mountPath": "/etc/app"}}
	return d
}

// applies applies an object as Argo CD does.
func (p place) applies(d *unstructured.Unstructured) {
	p.Helper()
	d.SetNamespace(p.Namespace)
	if err := p.API.Apply(p.Context(), client.ApplyConfigurationFromUnstructured(d), client.FieldOwner("argocd-controller"), client.ForceOwnership); err != nil {
		p.Fatal(err)
	}
}

func (p place) writesFile(content string) {
	p.Helper()
	c := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": file}, "data": map[string]any{fileKey: content},
	}}
	c.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	p.applies(c)
}

func (p place) file() *corev1.ConfigMap {
	p.Helper()
	c := &corev1.ConfigMap{}
	if err := p.API.Get(p.Context(), client.ObjectKey{Namespace: p.Namespace, Name: file}, c); err != nil {
		p.Fatal(err)
	}
	return c
}

// restart deletes the pods, as a node does that is drained: files are read by new ones.
func (p place) restart() {
	p.Helper()
	if err := p.API.DeleteAllOf(p.Context(), &corev1.Pod{}, client.InNamespace(p.Namespace), client.GracePeriodSeconds(0)); err != nil {
		p.Fatal(err)
	}
}

// kubelet takes every pod one step on. A container reads the file when it starts: it is ready and
// stays so, or it has crashed and will read the file again.
func (p place) kubelet() {
	p.Helper()
	var pods corev1.PodList
	if err := p.API.List(p.Context(), &pods, client.InNamespace(p.Namespace)); err != nil {
		p.Fatal(err)
	}
	good := p.file().Data[fileKey] == goodFile
	for i := range pods.Items {
		pod := &pods.Items[i]
		var was corev1.ContainerStatus
		if len(pod.Status.ContainerStatuses) > 0 {
			was = pod.Status.ContainerStatuses[0]
		}
		switch {
		case was.Ready, was.RestartCount > 0 && !good, pod.DeletionTimestamp != nil:
			continue
		case good:
			runs(pod)
		default:
			crashes(pod)
		}
		if err := p.API.Status().Update(p.Context(), pod); client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
			p.Fatal(err)
		}
	}
}

// runs has a pod's container started just now, and ready.
func runs(pod *corev1.Pod) {
	now := metav1.Now()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: container, Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
	}}
}

// crashes has it ended for the third time just now.
func crashes(pod *corev1.Pod) {
	now := metav1.Now()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: now}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: container, RestartCount: 2, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: 1, Reason: "Error", Message: "cannot parse " + badFile, StartedAt: now, FinishedAt: now,
		}},
	}}
}

// filesLoop is a loop that writes the bad file again and again, on a cluster whose pods are
// restarted whenever their files have changed.
type filesLoop struct {
	place
	// every is how long it pauses, 0 for a loop that watches.
	every     time.Duration
	written   time.Time
	restarted int64
}

func (l *filesLoop) step() {
	l.Helper()
	l.kubelet()
	if time.Since(l.written) >= l.every {
		l.writesFile(badFile)
		l.written = time.Now()
	}
	newest := l.revisions().Newest()
	if newest.FilesOnly() && newest.Status.Phase == v1alpha1.PhaseProgressing && newest.Spec.RollbackOf == 0 && newest.Spec.Number > l.restarted {
		l.restart()
		l.restarted = newest.Spec.Number
	}
}

func TestAFileThatALoopWritesAgainIsPutBackOnceAndThenHeld(t *testing.T) {
	for name, every := range map[string]time.Duration{"EveryRound": everyRound, "AtOnce": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.writesFile(goodFile)
			p.applies(filed())
			product.Eventually(p, func() (bool, string) {
				p.kubelet()
				return product.Phases(p.revisions()) == "1 Healthy", product.Phases(p.revisions())
			})

			l := &filesLoop{place: p, every: every}
			product.Eventually(p, func() (bool, string) {
				l.step()
				return len(p.events("RollbackHeld")) > 0, "it is not held: " + product.Phases(p.revisions())
			})
			held, version := product.Phases(p.revisions()), p.file().ResourceVersion
			if message := p.events("RollbackHeld")[0].Message; !strings.Contains(message, "were restored before, and were written again") {
				t.Errorf("it is held since %q", message)
			}
			if told := p.events("RolledBack"); len(told) != 1 {
				t.Errorf("the files were put back %d times, want once: %s", len(told), held)
			}

			until := time.Now().Add(10 * everyRound)
			product.Eventually(p, func() (bool, string) {
				l.step()
				return time.Now().After(until), "the loop goes on"
			})
			if now := product.Phases(p.revisions()); now != held || p.file().ResourceVersion != version {
				t.Errorf("it was held as %q, and went on to %q; the file went from version %s to %s", held, now, version, p.file().ResourceVersion)
			}
			for _, reason := range []string{"RolledBack", "RollbackHeld"} {
				if told := p.events(reason); len(told) != 1 || told[0].Count != 1 {
					t.Errorf("%s was told %d times, want once", reason, len(told))
				}
			}
		})
	}
}
