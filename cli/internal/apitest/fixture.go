package apitest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// Deployment returns the Deployment of a Score workload, with one container main.
func Deployment(name, image string) *appsv1.Deployment {
	marks := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: Namespace, UID: types.UID("uid-" + name), Annotations: map[string]string{workload.NameAnnotation: name}},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: marks},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: marks}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}},
		},
		Status: appsv1.DeploymentStatus{ReadyReplicas: 1},
	}
}

// Revision returns the revision that a Deployment became, accepted some minutes ago: the more, the
// older its number.
func Revision(t testing.TB, number int64, d *appsv1.Deployment, phase v1alpha1.Phase, change ...func(*v1alpha1.WorkloadRevision)) *v1alpha1.WorkloadRevision {
	t.Helper()
	accepted := time.Now().Add(time.Duration(number-10) * time.Minute).Truncate(time.Second)
	r := &v1alpha1.WorkloadRevision{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", d.Name, number), Namespace: d.Namespace},
		Spec: v1alpha1.WorkloadRevisionSpec{
			Number: number, WorkloadRef: v1alpha1.WorkloadReference{Kind: "Deployment", Name: d.Name, UID: d.UID},
			IntentHash: workload.IntentOf(d).Hash(), TemplateHash: workload.TemplateHash(&d.Spec.Template),
			Images: d.Spec.Template.Spec.Containers[0].Image, FieldManager: "kubectl-client-side-apply", AcceptedTime: metav1.NewTime(accepted),
		},
		Status: v1alpha1.WorkloadRevisionStatus{Phase: phase, PhaseTransitionTime: &metav1.Time{Time: accepted.Add(9 * time.Second)}},
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := history.SetSnapshot(r, history.Contents{Intent: workload.RawIntentOf(&unstructured.Unstructured{Object: fields})}); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	return r
}

// Rescued returns a workload whose second revision failed and was rolled back, with the pod that
// runs and its Lease: the live revision is 3, which restored 1.
func Rescued(t testing.TB, name string) []client.Object {
	t.Helper()
	good, bad := Deployment(name, "podinfo:1"), Deployment(name, "podinfo:2")
	failed := func(r *v1alpha1.WorkloadRevision) {
		r.Spec.ChangeSummary = "containers.main.image 1 → 2"
		evidence := v1alpha1.Evidence{PodName: name + "-bad", ContainerName: "main", Reason: "Error", ExitCode: new(int32(1)), Log: []string{"starting", "boom"}}
		r.Status.Failure = &v1alpha1.Failure{
			Reason: v1alpha1.FailureWorkloadFailed, Message: `container main exits 1: "boom"`, ComparedWith: 1, Evidence: []v1alpha1.Evidence{evidence},
		}
		done := metav1.NewTime(r.Spec.AcceptedTime.Add(20 * time.Second))
		r.Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1, Attempt: 1, StartTime: r.Spec.AcceptedTime, CompletionTime: &done}
	}
	restored := func(r *v1alpha1.WorkloadRevision) {
		r.Spec.FieldManager, r.Spec.RestoredFrom, r.Spec.RollbackOf = "reprise", 1, 2
	}
	set := ReplicaSet(good)
	return []client.Object{
		good, set, Pod(set, name+"-good"), Lease(time.Now()),
		Revision(t, 1, good, v1alpha1.PhaseHealthy), Revision(t, 2, bad, v1alpha1.PhaseRolledBack, failed), Revision(t, 3, good, v1alpha1.PhaseHealthy, restored),
	}
}

// ReplicaSet returns the ReplicaSet of a Deployment's pod template.
func ReplicaSet(d *appsv1.Deployment) *appsv1.ReplicaSet {
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name: d.Name + "-" + workload.TemplateHash(&d.Spec.Template)[:6], Namespace: d.Namespace, Labels: d.Spec.Selector.MatchLabels,
			UID: types.UID("set-" + workload.TemplateHash(&d.Spec.Template)),
		},
		Spec: appsv1.ReplicaSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template},
	}
}

// Pod returns a pod of a ReplicaSet whose containers run.
func Pod(set *appsv1.ReplicaSet, name string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Namespace: set.Namespace, UID: types.UID("pod-" + name), Labels: set.Spec.Template.Labels,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set.Name, UID: set.UID, Controller: new(true)}},
		},
		Spec: set.Spec.Template.Spec,
	}
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, ContainerID: "run-1", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		})
	}
	return pod
}

// Lease returns the Lease of Reprise's leader, which was renewed at a time.
func Lease(renewed time.Time) *coordinationv1.Lease {
	at := metav1.NewMicroTime(renewed)
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "reprise", Namespace: "reprise-system"}, Spec: coordinationv1.LeaseSpec{RenewTime: &at}}
}

// Denied returns the Event of an apply that admission denied.
func Denied(t testing.TB, name string) *corev1.Event {
	t.Helper()
	denial, err := json.Marshal(v1alpha1.Denial{Violations: []v1alpha1.Violation{{
		Policy: "requests-within-limits", Field: "containers.main.resources.requests.memory", Message: "request 2Gi exceeds the limit 1Gi", Fix: "lower the request",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: name + "-denied", Namespace: Namespace, Annotations: map[string]string{v1alpha1.DenialAnnotation: string(denial)}},
		InvolvedObject: corev1.ObjectReference{Kind: "Deployment", Namespace: Namespace, Name: name, UID: types.UID("uid-" + name)},
		Reason:         "AdmissionDenied", Message: "request 2Gi exceeds the limit 1Gi", ReportingController: "reprise.dev/reprise",
		LastTimestamp: metav1.Now(), Count: 1,
	}
}

// Answer appends the answer to a request to a revision that is stored.
func (s *Server) Answer(revision, request string, result v1alpha1.RequestResult, message string) {
	s.t.Helper()
	r := &v1alpha1.WorkloadRevision{}
	s.Get("workloadrevisions", revision, r)
	r.Status.Requests = append(r.Status.Requests, v1alpha1.Request{Request: request, Time: metav1.Now(), Result: result, Message: message})
	s.Put(r)
}

// Manifest returns a Deployment as it is given to kubectl apply: without what the API server adds.
func Manifest(t testing.TB, d *appsv1.Deployment) *unstructured.Unstructured {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		t.Fatal(err)
	}
	m := &unstructured.Unstructured{Object: fields}
	m.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	for _, field := range []string{"namespace", "uid", "resourceVersion", "creationTimestamp"} {
		unstructured.RemoveNestedField(m.Object, "metadata", field)
	}
	unstructured.RemoveNestedField(m.Object, "status")
	return m
}
