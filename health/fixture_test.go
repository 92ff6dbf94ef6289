package health_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/health"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// rollout is one that is complete and well: a Deployment with one pod, ready for 30 s, and a bake
// time of 10 s.
func rollout() health.Rollout {
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:1"}}},
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "d", Generation: 2},
		Spec:       appsv1.DeploymentSpec{Template: template},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1,
		},
	}
	return health.Rollout{
		Deployment:  d,
		ReplicaSets: []*appsv1.ReplicaSet{replicaSet("new", template), replicaSet("old", corev1.PodTemplateSpec{})},
		Pods:        []*corev1.Pod{pod("new")},
		AcceptedAt:  now.Add(-time.Minute),
		BakeTime:    10 * time.Second,
	}
}

func replicaSet(name string, template corev1.PodTemplateSpec) *appsv1.ReplicaSet {
	template = *template.DeepCopy()
	if template.Labels != nil {
		template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = name
	}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), OwnerReferences: controlledBy("d")},
		Spec:       appsv1.ReplicaSetSpec{Template: template},
	}
}

func controlledBy(uid types.UID) []metav1.OwnerReference {
	return []metav1.OwnerReference{{UID: uid, Controller: new(true)}}
}

func pod(set types.UID) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a-" + string(set), OwnerReferences: controlledBy(set), CreationTimestamp: ago(time.Minute)},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "x:1"}}},
		Status: corev1.PodStatus{
			Phase:             corev1.PodRunning,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: ago(30 * time.Second)}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "main", Ready: true}},
		},
	}
}

// unready returns a rollout's only pod unready, its container in the given state.
func unready(r *health.Rollout, change func(*corev1.ContainerStatus)) {
	r.Deployment.Status.AvailableReplicas = 0
	p := r.Pods[0]
	p.Status.Conditions[0].Status = corev1.ConditionFalse
	p.Status.ContainerStatuses[0].Ready = false
	change(&p.Status.ContainerStatuses[0])
}

func waiting(reason, message string) func(*corev1.ContainerStatus) {
	return func(s *corev1.ContainerStatus) {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
	}
}

func crashed(restarts int32, reason string, code int32) func(*corev1.ContainerStatus) {
	return func(s *corev1.ContainerStatus) {
		s.RestartCount = restarts
		s.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: reason, ExitCode: code}
	}
}

func running(r *health.Rollout, since time.Duration) {
	r.Pods[0].Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{StartedAt: ago(since)}
}

func rejectPods(r *health.Rollout, before time.Duration) {
	r.Pods = nil
	r.Deployment.Status.UpdatedReplicas, r.Deployment.Status.AvailableReplicas = 0, 0
	r.ReplicaSets[0].Status.Conditions = []appsv1.ReplicaSetCondition{{
		Type: appsv1.ReplicaSetReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate",
		Message: `pods "a" is forbidden: exceeded quota: team, requested: pods=1, used: pods=5, limited: pods=5`, LastTransitionTime: ago(before),
	}}
}

// judgement is one case: what is changed about a rollout that is well, and what is said of it.
type judgement struct {
	reason string
	change func(*health.Rollout)
	want   health.State
	says   string
	again  time.Duration
	// outside is whether the cause may lie outside.
	external bool
}

func assess(t *testing.T, tests map[string]judgement) {
	t.Helper()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := rollout()
			if tt.change != nil {
				tt.change(&r)
			}
			got := health.Assess(r, now)
			if got.State != tt.want || !strings.Contains(got.Cause, tt.says) || got.RecheckAfter != tt.again {
				t.Errorf("%s: got %q (%s), again in %s", tt.reason, got.State, got.Cause, got.RecheckAfter)
			}
			if got.State == health.Failed && got.External != tt.external {
				t.Errorf("%s: the cause may lie outside: %t", tt.reason, got.External)
			}
			if strings.Contains(got.Cause, "\n") || len(got.Cause) > 400 {
				t.Errorf("%s: the cause is no short line: %q", tt.reason, got.Cause)
			}
		})
	}
}

// withInit adds an init container to the template that the new pod is made from.
func withInit(r *health.Rollout, name string) {
	for _, spec := range []*corev1.PodSpec{&r.Deployment.Spec.Template.Spec, &r.ReplicaSets[0].Spec.Template.Spec} {
		spec.InitContainers = append(spec.InitContainers, corev1.Container{Name: name, Image: "x:1"})
	}
}

// restarted has a container have ended so often, down now, the last time with an exit code.
func restarted(restarts int32, code int32) func(*corev1.ContainerStatus) {
	return func(s *corev1.ContainerStatus) {
		s.RestartCount, s.Ready = restarts, false
		s.State.Terminated = &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: code}
	}
}

// withOld adds a pod of the revision before, which is well, and changes it.
func withOld(r *health.Rollout, change func(*corev1.Pod)) {
	p := pod("old")
	running(&health.Rollout{Pods: []*corev1.Pod{p}}, 25*time.Minute)
	p.CreationTimestamp = ago(30 * time.Minute)
	if change != nil {
		change(p)
	}
	r.Pods = append(r.Pods, p)
	r.Deployment.Status.Replicas = 2
}

// failingOld adds a pod of the revision before whose container fails in the given way.
func failingOld(r *health.Rollout, change func(*corev1.ContainerStatus)) {
	withOld(r, func(p *corev1.Pod) {
		p.Status.Conditions[0].Status = corev1.ConditionFalse
		p.Status.ContainerStatuses[0] = corev1.ContainerStatus{Name: "main"}
		change(&p.Status.ContainerStatuses[0])
	})
}

// more adds copies of the new pod, until there are n.
func more(r *health.Rollout, n int, change func(i int, p *corev1.Pod)) {
	first := r.Pods[0]
	for i := 1; i < n; i++ {
		p := first.DeepCopy()
		p.Name = first.Name + string(rune('0'+i))
		if change != nil {
			change(i, p)
		}
		r.Pods = append(r.Pods, p)
	}
	r.Deployment.Spec.Replicas = new(int32(n))
	r.Deployment.Status.UpdatedReplicas, r.Deployment.Status.Replicas = int32(n), int32(n)
}

// probed gives the container probes, in the template that its pods are made from.
func probed(r *health.Rollout, readiness, startup *corev1.Probe) {
	for _, spec := range []*corev1.PodSpec{&r.Deployment.Spec.Template.Spec, &r.ReplicaSets[0].Spec.Template.Spec} {
		spec.Containers[0].ReadinessProbe, spec.Containers[0].StartupProbe = readiness, startup
	}
}

// notReady has the new container run so long without being ready.
func notReady(r *health.Rollout, since time.Duration) {
	unready(r, func(s *corev1.ContainerStatus) {
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: ago(since)}
	})
	r.Pods[0].Status.Conditions[0].LastTransitionTime = ago(since)
}

func podEvent(reason, message string) *corev1.Event {
	return &corev1.Event{
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "a-new"}, Reason: reason, Message: message, LastTimestamp: ago(10 * time.Second),
	}
}

// node is one that its pods run on, ready or not.
func node(ready corev1.ConditionStatus) map[string]*corev1.Node {
	return map[string]*corev1.Node{"n": {Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: ready}}}}}
}

func placed(r *health.Rollout) {
	for _, p := range r.Pods {
		p.Spec.NodeName = "n"
	}
}
