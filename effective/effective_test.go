package effective

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestCompute_RequestAboveALimitRangeDefaultNamesTheLimitRange(t *testing.T) {
	r := Compute(app(stating(amounts("memory", "250Mi"), nil)),
		namespace(limitRange("mem-defaults", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Default: amounts("memory", "200Mi")})))
	want := Violation{
		Rule: RuleRequestOverLimit, Field: "spec.containers[0].resources.requests", Container: "app", Resource: "memory",
		Requested: "250Mi", Allowed: "200Mi", Cause: Cause{Kind: KindLimitRange, Name: "mem-defaults"},
		Message: "LimitRange mem-defaults sets the memory limit of container app to 200Mi, less than its request of 250Mi",
		Fix:     "set resources.limits.memory to at least 250Mi, or lower the request to 200Mi",
		Exact:   true,
	}
	if diff := cmp.Diff(want, one(t, r)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := r.DefaultedFrom["spec.containers[0].resources.limits[memory]"]; got != want.Cause {
		t.Errorf("supplied by %v", got)
	}
}

func TestCompute_ChangesNoArgument(t *testing.T) {
	template, ns := busyCase()
	templateBefore, rangesBefore, quotasBefore := template.DeepCopy(), *ns.LimitRanges[0].DeepCopy(), *ns.ResourceQuotas[0].DeepCopy()
	Compute(template, ns)
	if !reflect.DeepEqual(templateBefore, template) {
		t.Errorf("the template was changed: %s", cmp.Diff(templateBefore, template))
	}
	if !reflect.DeepEqual(rangesBefore, *ns.LimitRanges[0]) || !reflect.DeepEqual(quotasBefore, *ns.ResourceQuotas[0]) {
		t.Error("an object of the namespace was changed")
	}
}

func TestCompute_IsDeterministic(t *testing.T) {
	template, ns := busyCase()
	first := Compute(template, ns)
	if len(first.Violations) < 5 {
		t.Fatalf("only %d violations: too few to be out of order", len(first.Violations))
	}
	for range 50 {
		if diff := cmp.Diff(first, Compute(template, ns)); diff != "" {
			t.Fatalf("-first +later:\n%s", diff)
		}
	}
}

func TestCompute_SortsViolationsAsTheAPIServer(t *testing.T) {
	template, ns := busyCase()
	last := -1
	for _, o := range Compute(template, ns).Violations {
		if o.Rule.rank() < last {
			t.Errorf("%s comes too late", o.Rule)
		}
		last = o.Rule.rank()
	}
}

func TestRule_rank(t *testing.T) {
	seen := map[Rule]bool{}
	for _, rule := range Rules() {
		if seen[rule] || rule.rank() < 0 {
			t.Errorf("rule %s twice or without a rank", rule)
		}
		seen[rule] = true
	}
	if Rule("no such rule").rank() != -1 {
		t.Error("an unknown rule has a rank")
	}
}

// busyCase breaks many rules at once, on several resources.
func busyCase() (*corev1.PodTemplateSpec, Namespace) {
	template := app(stating(amounts("cpu", "3", "memory", "3Gi", "example.com/gpu", "2"), amounts("cpu", "1", "memory", "1Gi")))
	template.Spec.InitContainers = []corev1.Container{sidecar("proxy", stating(nil, amounts("cpu", "9", "memory", "9Gi")))}
	template.Spec.PriorityClassName = "missing"
	template.Spec.ServiceAccountName = "missing"
	return template, namespace(
		limitRange("bounds", corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Max: amounts("cpu", "2", "memory", "2Gi"),
			MaxLimitRequestRatio: amounts("cpu", "2")}),
		limitRange("pod", corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: amounts("cpu", "4", "memory", "4Gi")}),
		quota("team", amounts("requests.cpu", "4", "limits.memory", "4Gi"), amounts("requests.cpu", "1", "limits.memory", "1Gi")))
}
