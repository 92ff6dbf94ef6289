package admission

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
	"reprise.dev/reprise/workload"
)

const nothingInProtected = "Reprise writes nothing in a protected namespace except its own Leases and Events"

// asReprise is a client with the rights of Reprise's own account.
func (p place) asReprise() client.Client {
	p.Helper()
	config, _, err := shared.ServiceAccountConfig(p.Context(), product.Namespace, product.Release)
	if err != nil {
		p.Fatal(err)
	}
	return p.as(config)
}

// guarded is a Deployment with the guard label and no pods in the namespace.
func guarded(namespace, name string) *appsv1.Deployment {
	d := deployment(name, "100Mi")
	d.Namespace, d.Labels, d.Spec.Replicas = namespace, map[string]string{v1alpha1.GuardLabel: workload.GuardEnabled}, new(int32)
	return d
}

// retagged has the client update the Deployment with another image and another change.
func (p place) retagged(d *appsv1.Deployment, change func(*appsv1.Deployment)) func(client.Client) error {
	return func(c client.Client) error {
		live := &appsv1.Deployment{}
		if err := c.Get(p.Context(), client.ObjectKeyFromObject(d), live); err != nil {
			return err
		}
		live.Spec.Template.Spec.Containers[0].Image = "registry.example.com/app:2.0.0"
		change(live)
		live.ResourceVersion = "" // The deployment controller writes too.
		return c.Update(p.Context(), live)
	}
}

func nothingElse(*appsv1.Deployment) {}

func TestRepriseItselfUpdatesOnlyGuardedWorkloads(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	reprise := p.asReprise()
	variant := func(namespace, name string, vary func(*appsv1.Deployment)) *appsv1.Deployment {
		d := guarded(namespace, name)
		vary(d)
		p.Create(d)
		return d
	}
	const settings = "A rollback does not change labels and annotations with the prefix reprise.dev/"
	const shape = "A rollback does not change replicas, the pause, owners and finalizers"
	const unguarded = "Reprise updates guarded workloads only"
	ordinary := variant(p.Namespace, "ordinary", func(d *appsv1.Deployment) { d.Annotations = map[string]string{"reprise.dev/rollback": "auto"} })
	writes := map[string]struct {
		message string
		of      *appsv1.Deployment
		change  func(*appsv1.Deployment)
	}{
		"KubeSystem":   {nothingInProtected, variant("kube-system", p.Namespace, nothingElse), nothingElse},
		"OwnNamespace": {nothingInProtected, variant(product.Namespace, p.Namespace, nothingElse), nothingElse},
		"NoMarker":     {unguarded, variant(p.Namespace, "plain", func(d *appsv1.Deployment) { d.Labels = nil }), nothingElse},
		"EmptyMarker": {unguarded, variant(p.Namespace, "empty", func(d *appsv1.Deployment) {
			d.Labels, d.Annotations = nil, map[string]string{workload.NameAnnotation: ""}
		}), nothingElse},
		"MarkerOnlyAddedNow": {unguarded, variant(p.Namespace, "adopted", func(d *appsv1.Deployment) { d.Labels = nil }), func(d *appsv1.Deployment) {
			d.Labels = map[string]string{v1alpha1.GuardLabel: workload.GuardEnabled}
		}},
		"GuardDisabled": {unguarded, variant(p.Namespace, "disabled", func(d *appsv1.Deployment) {
			d.Labels[v1alpha1.GuardLabel] = workload.GuardDisabled
			d.Annotations = map[string]string{workload.NameAnnotation: "disabled"}
		}), nothingElse},
		"OwnedByAController": {"Reprise does not update a Deployment that a controller owns", variant(p.Namespace, "owned", func(d *appsv1.Deployment) {
			d.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "kube-root-ca.crt", UID: p.rootCA(), Controller: new(true)}}
		}), nothingElse},
		"Scaled": {shape, ordinary, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) }},
		"Paused": {shape, ordinary, func(d *appsv1.Deployment) { d.Spec.Paused = true }},
		"OwnerAdded": {shape, ordinary, func(d *appsv1.Deployment) {
			d.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "gone", UID: "gone"}}
		}},
		"FinalizerAdded":  {shape, ordinary, func(d *appsv1.Deployment) { d.Finalizers = []string{"example.com/kept"} }},
		"SettingChanged":  {settings, ordinary, func(d *appsv1.Deployment) { d.Annotations["reprise.dev/rollback"] = "off" }},
		"SettingAdded":    {settings, ordinary, func(d *appsv1.Deployment) { d.Annotations["reprise.dev/quarantine"] = "off" }},
		"SettingsRemoved": {settings, ordinary, func(d *appsv1.Deployment) { d.Annotations = nil }},
		"GuardRemoved":    {settings, ordinary, func(d *appsv1.Deployment) { d.Labels = nil }},
	}
	for name, c := range writes {
		t.Run(name, func(t *testing.T) {
			p := p
			p.T = t
			p.rejectedByPolicy(reprise, c.message, p.retagged(c.of, c.change))
		})
	}
	// What a rollback writes, last: by now every policy is in force.
	deploy := p.retagged(ordinary, func(d *appsv1.Deployment) { d.Labels["team"], d.Annotations["note"] = "music", "new" })
	if err := deploy(reprise); err == nil || !strings.Contains(err.Error(), "own account may only restore recorded revisions of this workload") {
		t.Errorf("what was never recorded can be deployed by Reprise's account: %v", err)
	}
	if err := deploy(p.API); err != nil {
		t.Fatal(err)
	}
	p.Becomes("ordinary", "1 Superseded, 2 Progressing")
	if err := p.retagged(ordinary, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = ordinary.Spec.Template.Spec.Containers[0].Image
		delete(d.Labels, "team")
		delete(d.Annotations, "note")
	})(reprise); err != nil {
		t.Errorf("the recorded intent of a guarded workload cannot be written: %v", err)
	}
	ownership := client.RawPatch(types.JSONPatchType, []byte(`[{"op":"replace","path":"/metadata/managedFields","value":[{}]}]`))
	if err := reprise.Patch(t.Context(), ordinary.DeepCopy(), ownership); err != nil {
		t.Errorf("the field ownership of a guarded workload cannot be written: %v", err)
	}
}

// rootCA is the UID of an object that the place's namespace always has.
func (p place) rootCA() types.UID {
	p.Helper()
	object := &corev1.ConfigMap{}
	product.Eventually(p, func() (bool, string) {
		err := p.API.Get(p.Context(), client.ObjectKey{Namespace: p.Namespace, Name: "kube-root-ca.crt"}, object)
		if err != nil {
			return false, err.Error()
		}
		return true, ""
	})
	return object.UID
}

// The chart grants no write on ConfigMaps: the test does, to prove the policy by itself.
func TestRepriseItselfWritesOnlyScoresFiles(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	reprise := p.asReprise()
	p.mayWriteConfigMaps(p.Namespace)
	p.mayWriteConfigMaps("kube-system")

	file := func(name string, keys ...string) *corev1.ConfigMap {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: name}, BinaryData: map[string][]byte{}}
		for _, key := range keys {
			object.BinaryData[key] = []byte("one")
		}
		return object
	}
	create := func(object *corev1.ConfigMap) func(client.Client) error {
		return func(c client.Client) error { return c.Create(t.Context(), object.DeepCopy()) }
	}
	update := func(object *corev1.ConfigMap) func(client.Client) error {
		return func(c client.Client) error { return c.Update(t.Context(), object.DeepCopy()) }
	}
	inKubeSystem := file(p.Namespace+"-main-file-932d370d8a", "file")
	inKubeSystem.Namespace = "kube-system"
	mixed := file("filed-main-file-0000000003", "file")
	mixed.Data = map[string]string{"more": "text"}
	p.Create(file("filed-main-file-0000000004", "other"))

	const form = "Reprise writes only ConfigMaps with a file of Score"
	for name, c := range map[string]struct {
		message string
		write   func(client.Client) error
	}{
		"KubeSystem":       {nothingInProtected, create(inKubeSystem)},
		"AnotherName":      {form, create(file("aws-auth", "file"))},
		"HashTooShort":     {form, create(file("filed-main-file-932d370d8", "file"))},
		"HashTooLong":      {form, create(file("filed-main-file-932d370d8a0", "file"))},
		"HashNotHex":       {form, create(file("filed-main-file-932d370d8z", "file"))},
		"NoWorkload":       {form, create(file("file-932d370d8a", "file"))},
		"NoKey":            {form, create(file("filed-main-file-0000000000"))},
		"AnotherKey":       {form, create(file("filed-main-file-0000000001", "other"))},
		"TwoKeys":          {form, create(file("filed-main-file-0000000002", "file", "other"))},
		"KeyInData":        {form, create(mixed)},
		"NotAFileBefore":   {form, update(file("filed-main-file-0000000004", "file"))},
		"KubernetesOwnOne": {form, update(file("kube-root-ca.crt", "file"))},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			p.T = t
			p.rejectedByPolicy(reprise, c.message, c.write)
		})
	}

	score := file("filed-main-file-932d370d8a", "file")
	if err := create(score)(reprise); err != nil {
		t.Errorf("a file of Score cannot be created: %v", err)
	}
	score.BinaryData, score.Data = nil, map[string]string{"file": "two"}
	if err := update(score)(reprise); err != nil {
		t.Errorf("a file of Score cannot be updated: %v", err)
	}
}

func (p place) mayWriteConfigMaps(namespace string) {
	p.Helper()
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "configmaps-" + p.Namespace}
	p.Create(&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"create", "update"},
	}}})
	p.Create(&rbacv1.RoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: product.Namespace, Name: product.Release}},
	})
}

func TestRepriseItselfTellsOnlyItsOwnStory(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	reprise := p.asReprise()
	told := func(namespace, name, component string) *corev1.Event {
		return &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: namespace, Name: name},
			InvolvedObject: corev1.ObjectReference{Kind: "Deployment", Namespace: namespace, Name: "app"},
			Reason:         "Tested", Type: corev1.EventTypeNormal, Source: corev1.EventSource{Component: component},
		}
	}
	p.Create(told(p.Namespace, "theirs", "kubelet"))
	revision := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: p.Namespace}}
	revision.Spec = v1alpha1.WorkloadRevisionSpec{
		Number: 1, WorkloadRef: v1alpha1.WorkloadReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "app", UID: "1"},
		IntentHash: "1", TemplateHash: "1", AcceptedTime: metav1.Now(),
	}
	revision.Spec.Snapshot = v1alpha1.Snapshot{Encoding: "none", Data: "-"}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: "of-another"}}

	const form = "Reprise writes only Events whose source is reprise"
	for name, c := range map[string]struct {
		message string
		write   func(client.Client) error
	}{
		"EventOfAnother": {form, func(c client.Client) error { return c.Create(t.Context(), told(p.Namespace, "forged", "kubelet")) }},
		"EventOfNobody":  {form, func(c client.Client) error { return c.Create(t.Context(), told(p.Namespace, "forged", "")) }},
		"EventTakenOver": {form, func(c client.Client) error { return c.Update(t.Context(), told(p.Namespace, "theirs", "reprise")) }},
		"EventInKubeSystem": {nothingInProtected, func(c client.Client) error {
			return c.Create(t.Context(), told("kube-system", p.Namespace, "reprise"))
		}},
		"RevisionInKubeSystem": {nothingInProtected, func(c client.Client) error { return c.Create(t.Context(), revision.DeepCopy()) }},
		"LeaseOfAnother":       {nothingInProtected, func(c client.Client) error { return c.Create(t.Context(), lease.DeepCopy()) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := p
			p.T = t
			p.rejectedByPolicy(reprise, c.message, c.write)
		})
	}
	for _, namespace := range []string{p.Namespace, product.Namespace} {
		if err := reprise.Create(t.Context(), told(namespace, p.Namespace, "reprise")); err != nil {
			t.Errorf("an event in %s cannot be told: %v", namespace, err)
		}
	}
	// As the election of a leader tells, in the name of the process.
	if err := reprise.Create(t.Context(), told(product.Namespace, p.Namespace+"-elected", "host_1")); err != nil {
		t.Errorf("who leads cannot be told: %v", err)
	}
}
