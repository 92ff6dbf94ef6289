package effectivepod

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/effective"
)

// What the API server stores as a Deployment and refuses as its pod: the reason
// why a policy has to judge the effective pod. Each row names what is told.
func TestDeploymentsAreStoredWhosePodsAreRefused(t *testing.T) {
	memory := func(q string) corev1.ResourceList { return corev1.ResourceList{"memory": resource.MustParse(q)} }
	cpu := func(q string) corev1.ResourceList { return corev1.ResourceList{"cpu": resource.MustParse(q)} }
	container := func(item corev1.LimitRangeItem) []*corev1.LimitRange {
		item.Type = corev1.LimitTypeContainer
		return []*corev1.LimitRange{{ObjectMeta: metav1.ObjectMeta{Name: "mem-defaults"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}}}}
	}
	quota := func(name corev1.ResourceName, hard string) []*corev1.ResourceQuota {
		list := corev1.ResourceList{name: resource.MustParse(hard)}
		return []*corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.ResourceQuotaSpec{Hard: list},
			Status: corev1.ResourceQuotaStatus{Hard: list, Used: corev1.ResourceList{name: resource.MustParse("0")}}}}
	}
	for i, row := range []struct {
		reason string
		in     objects
		change func(*corev1.PodSpec)
		rule   effective.Rule
		cause  effective.Cause
	}{
		{"a request above the LimitRange's default limit", objects{limitRanges: container(corev1.LimitRangeItem{Default: memory("200Mi")})},
			func(s *corev1.PodSpec) { s.Containers[0].Resources.Requests = memory("250Mi") },
			effective.RuleRequestOverLimit, effective.Cause{Kind: effective.KindLimitRange, Name: "mem-defaults"}},
		{"a pod-level limit below what the containers request", objects{},
			func(s *corev1.PodSpec) {
				s.Containers[0].Resources.Requests = cpu("2")
				s.Resources = &corev1.ResourceRequirements{Limits: cpu("1")}
			}, effective.RuleRequestOverLimit, effective.Cause{}},
		{"a limit above the LimitRange's maximum", objects{limitRanges: container(corev1.LimitRangeItem{Max: memory("1Gi")})},
			func(s *corev1.PodSpec) { s.Containers[0].Resources.Limits = memory("2Gi") },
			effective.RuleLimitRangeMax, effective.Cause{Kind: effective.KindLimitRange, Name: "mem-defaults"}},
		{"a limit too many times the request", objects{limitRanges: container(corev1.LimitRangeItem{MaxLimitRequestRatio: cpu("2")})},
			func(s *corev1.PodSpec) {
				s.Containers[0].Resources = corev1.ResourceRequirements{Requests: cpu("1"), Limits: cpu("3")}
			},
			effective.RuleLimitRangeRatio, effective.Cause{Kind: effective.KindLimitRange, Name: "mem-defaults"}},
		{"no limit where a quota counts limits", objects{quotas: quota("limits.cpu", "9")}, func(*corev1.PodSpec) {},
			effective.RuleQuotaDemand, effective.Cause{Kind: effective.KindResourceQuota, Name: "team"}},
		{"more than the quota holds", objects{quotas: quota("requests.cpu", "1")},
			func(s *corev1.PodSpec) { s.Containers[0].Resources.Requests = cpu("2") },
			effective.RuleQuotaExceeded, effective.Cause{Kind: effective.KindResourceQuota, Name: "team"}},
		{"a RuntimeClass that does not exist", objects{}, func(s *corev1.PodSpec) { s.RuntimeClassName = new("gvisor") },
			effective.RuleRuntimeClass, effective.Cause{Kind: effective.KindRuntimeClass, Name: "gvisor"}},
		{"a PriorityClass that does not exist", objects{}, func(s *corev1.PodSpec) { s.PriorityClassName = "gold" },
			effective.RulePriorityClass, effective.Cause{Kind: effective.KindPriorityClass, Name: "gold"}},
		{"a ServiceAccount that does not exist", objects{}, func(s *corev1.PodSpec) { s.ServiceAccountName = "robot" },
			effective.RuleServiceAccount, effective.Cause{Kind: effective.KindServiceAccount, Name: "robot"}},
		{"a pod-level request above the sum of the containers' limits runs", objects{},
			func(s *corev1.PodSpec) {
				s.Containers[0].Resources.Limits = cpu("2")
				s.Resources = &corev1.ResourceRequirements{Requests: cpu("3")}
			}, "", effective.Cause{}},
		{"a LimitRange for pods does not see pod-level huge pages", objects{limitRanges: []*corev1.LimitRange{{
			ObjectMeta: metav1.ObjectMeta{Name: "pods"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
				{Type: corev1.LimitTypePod, Max: corev1.ResourceList{"hugepages-2Mi": resource.MustParse("2Mi")}}}}}}},
			func(s *corev1.PodSpec) {
				s.Containers[0].Resources.Limits = corev1.ResourceList{"cpu": resource.MustParse("1"), "hugepages-2Mi": resource.MustParse("2Mi")}
				s.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{"hugepages-2Mi": resource.MustParse("4Mi"), "cpu": resource.MustParse("1")}}
			}, "", effective.Cause{}},
	} {
		t.Run(row.reason, func(t *testing.T) {
			name := fmt.Sprintf("fact-%d-%d", i, time.Now().UnixNano())
			row.in.namespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
			template := &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "a"}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:1"}}}}
			row.change(&template.Spec)
			checkFact(t, row.in, template, row.rule, row.cause)
		})
	}
}

// checkFact stores the Deployment, posts its pod, and compares with what is told.
func checkFact(t *testing.T, in objects, template *corev1.PodTemplateSpec, rule effective.Rule, cause effective.Cause) {
	t.Helper()
	ctx, name := t.Context(), in.namespace.Name
	if err := judge.create(ctx, in); err != nil {
		t.Fatal(err)
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "app"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: template.Labels}, Template: *template}}
	stored, err := judge.admin.AppsV1().Deployments(name).Create(ctx, deployment, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("the API server does not store the Deployment: %v", err)
	}
	ns, err := judge.read(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	told := effective.Compute(&stored.Spec.Template, ns)
	if err := again(ctx, name, &stored.Spec.Template, told, true); err != nil {
		t.Error(err)
	}
	switch {
	case rule == "" && len(told.Violations) > 0:
		t.Errorf("told %s", messages(told.Violations))
	case rule != "" && (len(told.Violations) != 1 || told.Violations[0].Rule != rule || told.Violations[0].Cause != cause):
		t.Errorf("want %s by %v, told %s", rule, cause, messages(told.Violations))
	}
}
