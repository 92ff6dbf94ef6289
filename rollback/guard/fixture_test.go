package guard

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/fake"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

// The files of the workload of all tests, as Score names their ConfigMaps.
const (
	fileA = "web-main-file-aaaaaaaaaa"
	fileB = "web-main-file-bbbbbbbbbb"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	m.Run()
}

// bench is an API server in memory with the workload web in namespace shop, and a guard that
// follows it. What the recorder and the deployment controller do, the tests do.
type bench struct {
	*testing.T
	api     *fakeapi.API
	clock   *clocktesting.FakeClock
	counted *counts
	guard   *Reconciler
	// namespace is what decides about pods.
	namespace effective.Namespace
	// policies evaluate what is deployed; nil for none.
	policies func(*appsv1.Deployment) ([]string, error)
}

// Audit implements Auditor.
func (b *bench) Audit(_ context.Context, d *appsv1.Deployment) ([]string, error) {
	if b.policies == nil {
		return nil, nil
	}
	return b.policies(d)
}

// For implements Namespaces.
func (b *bench) For(context.Context, string) effective.Namespace { return b.namespace }

// newBench returns a bench where version 1 was deployed and is healthy.
func newBench(t *testing.T) *bench {
	t.Helper()
	shop := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	b := &bench{
		T: t, clock: clocktesting.NewFakeClock(now), counted: &counts{},
		api: fakeapi.New(t, fakeapi.Options{Indexes: []fakeapi.Index{{Object: &appsv1.ReplicaSet{}, Field: deploymentField, Values: deploymentOf}}}, shop),
		namespace: effective.Namespace{
			Name: "shop", ConfigMaps: sets.New(fileA, fileB),
			ServiceAccounts: []*corev1.ServiceAccount{{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "default"}}},
		},
	}
	b.restart()
	b.deploy("kubectl", "1")
	b.record(v1alpha1.PhaseHealthy)
	b.clock.Step(10 * time.Minute)
	return b
}

// restart has a new process lead, which knows nothing of the one before.
func (b *bench) restart() {
	b.api.Revive()
	b.guard = &Reconciler{
		Client: b.api.Cached(), Live: b.api.Client(), Core: fake.NewClientset().CoreV1(), Namespaces: b,
		Events: emit.NewWriter(b.api.Client(), "test"), Observer: b.counted, Clock: b.clock, Auditor: b, Requests: true,
		Defaults: workload.DefaultSettings, MaxConcurrent: 2,
	}
	b.guard.init()
}

// deploy applies a version of the workload and its files on the server's side. It fails the test on
// a conflict.
func (b *bench) deploy(manager, version string) {
	b.Helper()
	if err := b.apply(manager, version); err != nil {
		b.Fatalf("deploying %s: %v", version, err)
	}
}

// apply applies a version of the workload and its files, and returns the first conflict.
func (b *bench) apply(manager, version string) error {
	for _, name := range []string{fileA, fileB} {
		if err := b.applyFile(manager, name, version); err != nil {
			return err
		}
	}
	return b.applyObject(manager, deployment(version))
}

func (b *bench) applyFile(manager, name, version string) error {
	return b.applyObject(manager, &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Data: map[string]string{workload.FileKey: version},
	})
}

func (b *bench) applyObject(manager string, object client.Object) error {
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return err
	}
	delete(plain, "status")
	unstructured.RemoveNestedField(plain, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(plain, "spec", "template", "metadata", "creationTimestamp")
	return b.api.Direct().Apply(b.Context(), client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: plain}), client.FieldOwner(manager))
}

func deployment(version string) *appsv1.Deployment {
	d := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: "web", Annotations: map[string]string{workload.NameAnnotation: "web"},
		},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Image: "registry.example/web:" + version, Env: []corev1.EnvVar{{Name: "V" + version, Value: version}},
				}}},
			},
		},
	}
	for i, name := range []string{fileA, fileB} {
		volume := fmt.Sprintf("file-%d", i)
		d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: []corev1.KeyToPath{{Key: workload.FileKey, Path: "f"}}},
		}})
		main := &d.Spec.Template.Spec.Containers[0]
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: "/" + volume})
	}
	return d
}

// record writes what is stored of the workload as its next revision, as the recorder does: a
// restored intent is the rollback's own revision.
func (b *bench) record(phase v1alpha1.Phase) *v1alpha1.WorkloadRevision {
	b.Helper()
	h := b.history()
	d := b.deployment()
	number := int64(1)
	if newest := h.Newest(); newest != nil {
		number = newest.Spec.Number + 1
	}
	r := &v1alpha1.WorkloadRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: history.Name("web", number)},
		Spec: v1alpha1.WorkloadRevisionSpec{
			Number: number, IntentHash: workload.IntentOf(d).Hash(), TemplateHash: workload.TemplateHash(&d.Spec.Template),
			WorkloadRef:  v1alpha1.WorkloadReference{Kind: "Deployment", Name: "web", UID: d.UID},
			AcceptedTime: metav1.NewTime(b.clock.Now()), FieldManager: "kubectl",
		},
	}
	if before := h.Newest(); before != nil && before.Status.Rollback != nil && before.Status.Rollback.ToIntentHash == r.Spec.IntentHash {
		r.Spec.RollbackOf, r.Spec.RestoredFrom, r.Spec.FieldManager = before.Spec.Number, before.Status.Rollback.ToRevision, history.FieldManager
	}
	plain, err := runtime.DefaultUnstructuredConverter.ToUnstructured(d)
	if err != nil {
		b.Fatal(err)
	}
	contents := history.Contents{
		Intent: workload.RawIntentOf(&unstructured.Unstructured{Object: plain}), ManagedFields: d.ManagedFields, Files: map[string]history.SavedFile{},
	}
	for _, f := range workload.FilesOf(&d.Spec.Template) {
		file := v1alpha1.RevisionFile{ConfigMapName: f.ConfigMap, State: v1alpha1.FileMissing}
		if c := b.file(f.ConfigMap); c != nil {
			content, text := history.FileContent(c)
			file = v1alpha1.RevisionFile{
				ConfigMapName: f.ConfigMap, State: v1alpha1.FileKept, ResourceVersion: c.ResourceVersion, Hash: history.HashContent(content),
			}
			contents.Files[f.ConfigMap] = history.SavedFile{Content: content, Text: text, ManagedFields: c.ManagedFields}
		}
		for _, m := range f.Mounts {
			file.Mounts = append(file.Mounts, v1alpha1.FileMount{ContainerName: m.Container, Path: m.Path})
		}
		r.Spec.Files = append(r.Spec.Files, file)
	}
	r.Spec.ChangeScope, r.Spec.FilesDigest = v1alpha1.ChangePodTemplate, history.FilesDigest(r.Spec.Files)
	if before := h.Newest(); before != nil && before.Spec.TemplateHash == r.Spec.TemplateHash {
		r.Spec.ChangeScope = v1alpha1.ChangeFilesOnly
		if before.Spec.FilesDigest == r.Spec.FilesDigest {
			r.Spec.ChangeScope = v1alpha1.ChangeRestart
		}
	}
	if err := history.SetSnapshot(r, contents); err != nil {
		b.Fatal(err)
	}
	b.api.Create(b, r)
	return b.status(r, func(s *v1alpha1.WorkloadRevisionStatus) {
		s.Phase, s.PhaseTransitionTime = phase, &metav1.Time{Time: b.clock.Now()}
		if phase == v1alpha1.PhaseFailed {
			history.MarkFailed(s, v1alpha1.Failure{Reason: v1alpha1.FailureWorkloadFailed, Message: "it crashes"}, b.clock.Now())
		}
	})
}

// status changes the status of a revision, as somebody else than the guard.
func (b *bench) status(r *v1alpha1.WorkloadRevision, change func(*v1alpha1.WorkloadRevisionStatus)) *v1alpha1.WorkloadRevision {
	b.Helper()
	return fakeapi.ChangeStatus(b, b.api, r, func(r *v1alpha1.WorkloadRevision) { change(&r.Status) })
}

func (b *bench) history() history.History {
	b.Helper()
	h, err := store.List(b.Context(), b.api.Direct(), "shop", "web")
	if err != nil {
		b.Fatal(err)
	}
	return h
}

// revision returns a stored revision.
func (b *bench) revision(number int64) *v1alpha1.WorkloadRevision {
	b.Helper()
	r := b.history().Number(number)
	if r == nil {
		b.Fatalf("there is no revision #%d", number)
	}
	return r
}

func (b *bench) deployment() *appsv1.Deployment {
	b.Helper()
	return fakeapi.Load(b, b.api, deployment(""))
}

// file returns a stored file, nil where there is none.
func (b *bench) file(name string) *corev1.ConfigMap {
	b.Helper()
	c := &corev1.ConfigMap{}
	err := b.api.Direct().Get(b.Context(), client.ObjectKey{Namespace: "shop", Name: name}, c)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func (b *bench) deleteFile(name string) {
	b.Helper()
	if err := b.api.Direct().Delete(b.Context(), b.file(name)); err != nil {
		b.Fatal(err)
	}
}

// runs says what is deployed: the version of the workload and those of its files, such as "1 a=1
// b=gone".
func (b *bench) runs() string {
	b.Helper()
	_, version, _ := strings.Cut(b.deployment().Spec.Template.Spec.Containers[0].Image, ":")
	return version + " a=" + b.content(fileA) + " b=" + b.content(fileB)
}

func (b *bench) content(name string) string {
	if c := b.file(name); c != nil {
		return c.Data[workload.FileKey]
	}
	return "gone"
}

// owners are the field managers of everything that a rollback writes, without the controllers of
// Kubernetes.
func (b *bench) owners() []string {
	b.Helper()
	managers := map[string]bool{}
	for _, m := range fakeapi.Managers(b.deployment()) {
		managers[m] = true
	}
	delete(managers, "kube-controller-manager Update")
	for _, name := range []string{fileA, fileB} {
		if c := b.file(name); c != nil {
			for _, m := range fakeapi.Managers(c) {
				managers[m] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(managers))
}

// reconcile has the guard look once.
func (b *bench) reconcile() (ctrl.Result, error) {
	b.Helper()
	return b.guard.Reconcile(b.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "shop", Name: "web"}})
}

// settle has the guard look until it writes nothing more, with the recorder's part in between. A
// failed look is repeated, as the queue does.
func (b *bench) settle() {
	b.Helper()
	for range 30 {
		b.api.Forget()
		result, err := b.reconcile()
		recorded := b.recordIfNew()
		soon := result.RequeueAfter > 0 && result.RequeueAfter <= emitAgain
		quiet := !slices.ContainsFunc(b.api.Writes(), func(w fakeapi.Write) bool { return !w.DryRun })
		if err == nil && !recorded && !soon && quiet {
			return
		}
	}
	b.Fatalf("the guard does not come to rest: it goes on with %q", b.api.Writes())
}

// recordIfNew records what runs where it is no recorded intent.
func (b *bench) recordIfNew() bool {
	b.Helper()
	newest := b.history().Newest()
	if newest.Spec.IntentHash == workload.IntentOf(b.deployment()).Hash() || newest.IsRollbackOpen() {
		return false
	}
	b.record(v1alpha1.PhaseProgressing)
	return true
}

// told are the reasons of the Events that are stored, each with its message's first clause.
func (b *bench) told() []string {
	b.Helper()
	var list corev1.EventList
	if err := b.api.Direct().List(b.Context(), &list); err != nil {
		b.Fatal(err)
	}
	var all []string
	for _, e := range list.Items {
		all = append(all, e.Reason+": "+e.Message)
	}
	slices.Sort(all)
	return all
}

// podState says how the pods of the newest version are.
type podState func(*bench, *corev1.Pod)

// well has a pod be ready since its start.
func well(b *bench, p *corev1.Pod) {
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(b.clock.Now())}}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(b.clock.Now())}},
	}}
}

// crashing has a pod be down after three ends.
func crashing(b *bench, p *corev1.Pod) {
	ended := &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 7, FinishedAt: metav1.NewTime(b.clock.Now())}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(b.clock.Now())}}
	p.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "main", RestartCount: 3, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: ended},
	}}
}

// roll does the deployment controller's and the kubelet's part: the Deployment has one pod of its
// template, in a state, that is one minute old.
func (b *bench) roll(state podState) {
	b.Helper()
	b.clock.Step(time.Minute)
	d := b.deployment()
	var pods corev1.PodList
	var sets appsv1.ReplicaSetList
	for _, list := range []client.ObjectList{&pods, &sets} {
		if err := b.api.Direct().List(b.Context(), list); err != nil {
			b.Fatal(err)
		}
	}
	for i := range pods.Items {
		if err := b.api.Direct().Delete(b.Context(), &pods.Items[i]); err != nil {
			b.Fatal(err)
		}
	}
	var set *appsv1.ReplicaSet
	for i := range sets.Items {
		if workload.MatchesTemplate(&sets.Items[i], &d.Spec.Template) {
			set = &sets.Items[i]
		}
	}
	if set == nil {
		set = &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "shop", Name: fmt.Sprintf("web-set-%d", len(sets.Items)+1), OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))},
			},
			Spec: appsv1.ReplicaSetSpec{Selector: d.Spec.Selector, Template: *d.Spec.Template.DeepCopy()},
		}
		b.api.Create(b, set)
	}
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: set.Name + "-pod", Labels: d.Spec.Template.Labels, CreationTimestamp: metav1.NewTime(b.clock.Now()),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))},
		},
		Spec:   d.Spec.Template.Spec,
		Status: corev1.PodStatus{Phase: corev1.PodRunning},
	}
	state(b, p)
	status := *p.Status.DeepCopy()
	b.api.Create(b, p)
	fakeapi.ChangeStatus(b, b.api, p, func(p *corev1.Pod) { p.Status = status })
	fakeapi.ChangeStatus(b, b.api, d, func(d *appsv1.Deployment) {
		ready := int32(0)
		if p.Status.ContainerStatuses[0].Ready {
			ready = 1
		}
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: ready, AvailableReplicas: ready}
	})
	newest, follows := b.history().Newest(), len(b.guard.memories.all) > 0
	if newest.Status.Phase == v1alpha1.PhaseProgressing && (follows || p.Status.ContainerStatuses[0].Ready) {
		_, _ = b.reconcile() // Grace periods and the bake time count from when the guard sees it.
	}
	b.clock.Step(time.Minute)
}

// phases are those of the history, such as "1 Healthy, 2 RolledBack".
func (b *bench) phases() string {
	b.Helper()
	var all []string
	for _, r := range b.history() {
		all = append(all, fmt.Sprintf("%d %s", r.Spec.Number, r.Status.Phase))
	}
	return strings.Join(all, ", ")
}

// annotate sets an annotation of the workload, as somebody who asks for something.
func (b *bench) annotate(key, value string) {
	b.Helper()
	fakeapi.Change(b, b.api, deployment(""), "kubectl-annotate", func(d *appsv1.Deployment) { d.Annotations[key] = value })
}
