package admission

import (
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/workload"
)

func TestMatchConditions(t *testing.T) {
	t.Parallel()
	h := startHooked(t)
	for name, test := range map[string]func(*testing.T, hooked){
		"CallAHookForAnUpdateOnlyWhereTheIntentChanges": updates,
		"CallWhichHookForACreate":                       creates,
		"NeverFailOnMalformedTemplates":                 malformed,
	} {
		t.Run(name, func(t *testing.T) {
			h := h
			h.T = t
			test(t, h)
		})
	}
}

func updates(t *testing.T, h hooked) {
	const over = `{"spec":{"template":{"spec":{"containers":[{"name":"app","resources":{"requests":{"memory":"250Mi"}}}]}}}}`
	const overInit = `{"spec":{"template":{"spec":{"initContainers":[{"name":"first","image":"a:1","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1500m"}}}]}}}}`
	const oneVolume = `{"spec":{"template":{"spec":{"volumes":[{"name":"file-1","emptyDir":{}}]}}}}`
	const collided = `{"spec":{"template":{"spec":{"volumes":[{"name":"file-1","emptyDir":{}},{"name":"file-1","emptyDir":{}}]}}}}`
	const otherSelector = `{"spec":{"selector":{"matchLabels":{"app":"other"}},"template":{"metadata":{"labels":{"app":"other"}}}}}`
	patch := func(kind types.PatchType, body string, subresources ...string) func(h hooked, name string) error {
		return func(h hooked, name string) error {
			_, err := h.client.AppsV1().Deployments("default").Patch(h.Context(), name, kind, []byte(body), metav1.PatchOptions{}, subresources...)
			return err
		}
	}
	apply := func(args ...string) func(h hooked, name string) error {
		return func(h hooked, name string) error {
			h.kubectl(encode(h.T, marked(name)), append([]string{"apply", "-f", "-"}, args...)...)
			return nil
		}
	}
	unmarked := func(d *appsv1.Deployment) { d.Annotations = nil }
	optedIn := func(d *appsv1.Deployment) {
		d.Annotations, d.Labels = nil, map[string]string{v1alpha1.GuardLabel: workload.GuardEnabled}
	}
	for name, c := range map[string]struct {
		vary            func(*appsv1.Deployment) // of the stored Deployment
		write           func(h hooked, name string) error
		early, validate int
		invalid         bool
		reason          string
	}{
		"ClientSideApplyAgain": {write: apply(), reason: "kubectl sends nothing"},
		"ServerSideApplyAgain": {write: apply("--server-side", "--force-conflicts"), reason: "the intent is unchanged"},
		"ReplaceByTheSame": {write: func(h hooked, name string) error {
			h.kubectl(encode(h.T, marked(name)), "replace", "-f", "-")
			return nil
		}, validate: 1, reason: "kubectl drops the annotation of its last apply"},
		"EmptyPatch":        {write: patch(types.MergePatchType, `{}`), reason: "the intent is unchanged"},
		"Annotation":        {write: patch(types.MergePatchType, `{"metadata":{"annotations":{"a":"b"}}}`), validate: 1, reason: "annotations are intent, and policies read them"},
		"AnnotationRemoved": {vary: func(d *appsv1.Deployment) { d.Annotations["a"] = "b" }, write: patch(types.MergePatchType, `{"metadata":{"annotations":{"a":null}}}`), validate: 1, reason: "annotations are intent"},
		"Setting":           {write: patch(types.MergePatchType, `{"metadata":{"annotations":{"reprise.dev/bake-time":"soon"}}}`), validate: 1, reason: "an invalid setting is warned of"},
		"ControllersOwn":    {write: patch(types.MergePatchType, `{"metadata":{"annotations":{"deployment.kubernetes.io/revision":"7"}}}`), reason: "the deployment controller writes it in each rollout"},
		"Finalizer":         {write: patch(types.MergePatchType, `{"metadata":{"finalizers":["example.com/kept"]}}`), reason: "no intent"},
		"Label":             {write: patch(types.MergePatchType, `{"metadata":{"labels":{"a":"b"}}}`), validate: 1, reason: "labels are intent"},
		"FirstLabel":        {vary: func(d *appsv1.Deployment) { d.Labels = nil }, write: patch(types.MergePatchType, `{"metadata":{"labels":{"a":"b"}}}`), validate: 1, reason: "labels are intent"},
		"Image":             {write: patch(types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"a:2"}]}}}}`), validate: 1, reason: "the intent changes"},
		"ReplicasInTheSpec": {write: patch(types.MergePatchType, `{"spec":{"replicas":3}}`), validate: 1, reason: "the spec changes: the hook lets it through as no intent"},
		"Scale": {write: func(h hooked, name string) error {
			h.kubectl("", "scale", "deployment", name, "--replicas=4")
			return nil
		}, reason: "a subresource"},
		"ScalePatch":               {write: patch(types.MergePatchType, `{"spec":{"replicas":5}}`, "scale"), reason: "a subresource"},
		"Status":                   {write: patch(types.MergePatchType, `{"status":{"replicas":1}}`, "status"), reason: "a subresource"},
		"Restart":                  {write: func(h hooked, name string) error { h.kubectl("", "rollout", "restart", "deployment", name); return nil }, validate: 1, reason: "the template changes"},
		"MarkerRemoved":            {write: patch(types.MergePatchType, `{"metadata":{"annotations":{"k8s.score.dev/workload-name":null}}}`), validate: 1, reason: "removing the marker escapes nothing"},
		"MarkerEmptied":            {write: patch(types.MergePatchType, `{"metadata":{"annotations":{"k8s.score.dev/workload-name":""}}}`), validate: 1, reason: "removing the marker escapes nothing"},
		"MarkerRemovedWithAnOver":  {write: patch(types.StrategicMergePatchType, `{"metadata":{"annotations":{"k8s.score.dev/workload-name":null}},`+over[1:]), early: 1, invalid: true, reason: "the old object was a workload"},
		"MarkerAdded":              {vary: unmarked, write: patch(types.MergePatchType, `{"metadata":{"annotations":{"k8s.score.dev/workload-name":"w"}}}`), validate: 1, reason: "it becomes a workload"},
		"OptedIn":                  {vary: unmarked, write: patch(types.MergePatchType, `{"metadata":{"labels":{"reprise.dev/guard":"enabled"}}}`), validate: 1, reason: "it becomes a workload"},
		"OptedOut":                 {vary: optedIn, write: patch(types.MergePatchType, `{"metadata":{"labels":{"reprise.dev/guard":"disabled"}}}`), validate: 1, reason: "it was a workload"},
		"OptedInImage":             {vary: optedIn, write: patch(types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"a:2"}]}}}}`), validate: 1, reason: "opted in by label"},
		"RequestOverLimit":         {write: patch(types.StrategicMergePatchType, over), early: 1, invalid: true, reason: "built-in validation comes before the validating hook"},
		"InitRequestOverLimit":     {write: patch(types.StrategicMergePatchType, overInit), early: 1, invalid: true, reason: "init containers are containers"},
		"SelectorChanged":          {write: patch(types.MergePatchType, otherSelector), early: 1, invalid: true, reason: "a selector cannot change: built-in validation comes before the validating hook"},
		"DuplicateVolumes":         {write: patch(types.MergePatchType, collided), early: 1, invalid: true, reason: "built-in validation comes before the validating hook"},
		"VolumeAdded":              {write: patch(types.MergePatchType, oneVolume), validate: 1, reason: "the intent changes, and no early rule could fire"},
		"UnmarkedImage":            {vary: unmarked, write: patch(types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"a:2"}]}}}}`), reason: "no workload"},
		"UnmarkedRequestOverLimit": {vary: unmarked, write: patch(types.StrategicMergePatchType, over), invalid: true, reason: "no workload"},
		"Deletion": {write: func(h hooked, name string) error {
			return h.client.AppsV1().Deployments("default").Delete(h.Context(), name, metav1.DeleteOptions{})
		}, reason: "only creates and updates"},
	} {
		t.Run(name, func(t *testing.T) {
			h := h
			h.T = t
			d := marked("w-" + strings.ToLower(name))
			if c.vary != nil {
				c.vary(d)
			}
			h.kubectl(encode(t, d), "apply", "-f", "-")
			h.take()

			if err := c.write(h, d.Name); apierrors.IsInvalid(err) != c.invalid || (err != nil && !c.invalid) {
				t.Errorf("the answer is %v", err)
			}
			h.called(c.early, c.validate, c.reason)
		})
	}
}

func creates(t *testing.T, h hooked) {
	const mi, gi = "Mi", "Gi"
	memory := func(request, limit string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)},
		}
	}
	many := func(count int, last corev1.ResourceRequirements) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			one := d.Spec.Template.Spec.Containers[0]
			d.Spec.Template.Spec.Containers = nil
			for i := range count {
				one.Name = fmt.Sprintf("c-%d", i)
				d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, one)
			}
			d.Spec.Template.Spec.Containers[count-1].Resources = last
		}
	}
	volumes := func(count int, names ...string) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) {
			for i := range count {
				names = append(names, fmt.Sprintf("v-%d", i))
			}
			for _, name := range names {
				d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, corev1.Volume{Name: name})
			}
		}
	}
	resources := func(r corev1.ResourceRequirements) func(*appsv1.Deployment) {
		return func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Resources = r }
	}
	for name, c := range map[string]struct {
		vary            func(*appsv1.Deployment)
		early, validate int
		invalid         bool
	}{
		"Sound":            {func(*appsv1.Deployment) {}, 0, 1, false},
		"Unmarked":         {func(d *appsv1.Deployment) { d.Annotations = nil }, 0, 0, false},
		"EmptyMarker":      {func(d *appsv1.Deployment) { d.Annotations[workload.NameAnnotation] = "" }, 0, 0, false},
		"GeneratedName":    {func(d *appsv1.Deployment) { d.Name, d.GenerateName = "", "generated-" }, 0, 1, false},
		"OverLimit":        {resources(memory("250Mi", "200Mi")), 1, 0, true},
		"EqualOtherwise":   {resources(memory("1024"+mi, "1"+gi)), 0, 1, false},
		"OverOtherwise":    {resources(memory("1025"+mi, "1"+gi)), 1, 0, true},
		"LongLimit":        {resources(corev1.ResourceRequirements{Limits: memory("1", "1e300").Limits}), 1, 1, false},
		"LongRequest":      {resources(memory("1e300", "1")), 1, 0, true},
		"NoLimit":          {resources(corev1.ResourceRequirements{Requests: memory("1Gi", "1Gi").Requests}), 0, 1, false},
		"NoRequest":        {resources(corev1.ResourceRequirements{Limits: memory("1Gi", "1Gi").Limits}), 0, 1, false},
		"HundredSound":     {many(100, memory("100Mi", "200Mi")), 0, 1, false},
		"HundredthIsOver":  {many(100, memory("250Mi", "200Mi")), 1, 0, true},
		"ThousandthIsOver": {many(1000, memory("250Mi", "200Mi")), 1, 0, true},
		"SoundVolumes":     {volumes(64), 0, 1, false},
		"DuplicateVolumes": {volumes(2, "v-1"), 1, 0, true},
		"DuplicateOfMany":  {volumes(1000, "v-999"), 1, 0, true},
		// Too many to compare in an expression: the early check is asked, and finds nothing.
		"ManySoundVolumes": {volumes(65), 1, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := h
			h.T = t
			d := marked("c-" + strings.ToLower(name))
			c.vary(d)
			h.take()
			start := time.Now()
			_, err := h.client.AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{})
			t.Logf("answered within %s", time.Since(start).Round(time.Millisecond))
			if apierrors.IsInvalid(err) != c.invalid || (err != nil && !c.invalid) {
				t.Errorf("the answer is %v", err)
			}
			h.called(c.early, c.validate, "a sound create calls the validating hook alone, and what an early rule could refuse the early one")
		})
	}
}
