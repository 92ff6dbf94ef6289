package check

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/policy"
)

func shipped(t *testing.T, overrides policy.Overrides, extra ...policy.Module) *policy.Engine {
	t.Helper()
	modules, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	engine, err := policy.New(t.Context(), append(modules, extra...), policy.DefaultLimits(), overrides)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func read(t *testing.T, content string) []Manifest {
	t.Helper()
	manifests, err := Read("m.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// reportOn returns the report on manifests in the namespace shop, with data of that namespace.
func reportOn(t *testing.T, content, told string) Report {
	t.Helper()
	manifests := read(t, content)
	surroundings, err := NewNamespaceData(read(t, told), manifests)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Options{
		Manifests: manifests, Engine: shipped(t, policy.Overrides{}), Namespaces: surroundings, Namespace: "shop", Now: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// app returns a workload that nothing is to be said of, with more fields of its pod.
func app(pod string) string {
	return `apiVersion: apps/v1
kind: Deployment
metadata: {name: app, annotations: {k8s.score.dev/workload-name: app}}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: main
        image: registry.example.com/app:1
        readinessProbe: {httpGet: {port: 80}}
` + strings.ReplaceAll("\n"+pod, "\n", "\n      ")
}

func TestRun_CountsTheDataOfTheNamespace(t *testing.T) {
	limitRange := func(namespace string) string {
		return "apiVersion: v1\nkind: LimitRange\nmetadata: {name: bounds" + namespace + "}\nspec: {limits: [{type: Container, max: {memory: 1Gi}}]}\n"
	}
	const quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: team}\nspec: {hard: {limits.cpu: \"2\"}}\n"
	const gold = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: gold}\nvalue: 5\n"
	const limits = "  resources: {limits: {memory: 2Gi}}"
	tests := []struct {
		reason, manifests, told string
		want                    policy.Decision
		says                    string
	}{
		{"no namespace data", app(limits), "", policy.Allow, ""},
		{"a LimitRange of no namespace counts everywhere", app(limits), limitRange(""), policy.Deny, "LimitRange bounds: the maximum of memory is 1Gi"},
		{"one of the workload's", app(limits), limitRange(", namespace: shop"), policy.Deny, "LimitRange bounds"},
		{"one of another", app(limits), limitRange(", namespace: mail"), policy.Allow, ""},
		{"one that is applied with it", app(limits) + "\n---\n" + limitRange(""), "", policy.Deny, "LimitRange bounds"},
		{"a quota demands, as soon as it counts", app(""), quota, policy.Deny, "ResourceQuota team counts limits.cpu"},
		{"of a quota written by hand nothing is used", app("  resources: {limits: {cpu: 2}}"), quota, policy.Allow, ""},
		{"a Namespace sets its PodSecurity level", app("hostNetwork: true"), "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}\n", policy.Deny, "host"},
		{"a class exists if no class is given", app("priorityClassName: gold\nruntimeClassName: kata\nserviceAccountName: robot"), "", policy.Allow, ""},
		{"a class that is given exists", app("priorityClassName: gold"), gold, policy.Allow, ""},
		{"a class that is not among the given ones may be applied later", app("priorityClassName: silver"), gold, policy.Warn, "PriorityClass silver does not exist"},
		{"so may an account", app("serviceAccountName: robot"), "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other}\n", policy.Warn, "ServiceAccount robot does not exist"},
		{"every namespace has the default account", app(""), "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other}\n", policy.Allow, ""},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			report := reportOn(t, test.manifests, test.told)
			if len(report.Workloads) != 1 || report.Decision() != test.want {
				t.Fatalf("report %+v, want %s", report, test.want)
			}
			if said := strings.Join(report.Workloads[0].lines(denied, warning, unknown), "\n"); !strings.Contains(said, test.says) || (test.says == "") != (said == "") {
				t.Errorf("it says %q, want %q", said, test.says)
			}
		})
	}
}

func TestNewNamespaceData_TakesOnlyObjectsThatDecideAboutPods(t *testing.T) {
	for told, want := range map[string]string{
		"apiVersion: v1\nkind: Service\nmetadata: {name: a}":                                                "m.yaml: document 1 (line 1) is of kind Service, which decides nothing about pods",
		"apiVersion: v1\nkind: LimitRange\nmetadata: {name: a}\nspec: {limit: []}":                          `m.yaml: document 1 (line 1) is no valid LimitRange: strict decoding error: unknown field "spec.limit"`,
		"apiVersion: v1\nkind: LimitRange\nspec: {limits: [{type: Container, max: {memory: much}}]}":        "is no valid LimitRange",
		"apiVersion: v1\nkind: ResourceQuota\nspec: {hard: {cpu: 1}}\n---\napiVersion: v9\nkind: Namespace": "m.yaml: document 2 (line 5) is of kind Namespace",
	} {
		if _, err := NewNamespaceData(read(t, told), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", told, err, want)
		}
	}
}

// running is a namespace in which something runs.
type running struct {
	*NamespaceData
	live map[string]any
}

func (r running) Live(context.Context, string, string) (map[string]any, error) { return r.live, nil }

func TestRun_ComparesTheSelectorWithTheLiveDeployment(t *testing.T) {
	live := read(t, strings.ReplaceAll(app(""), "app: app", "app: before"))[0].Object
	report, err := Run(t.Context(), Options{
		Manifests: read(t, app("")), Engine: shipped(t, policy.Overrides{}), Namespaces: running{&NamespaceData{}, live}, Namespace: "shop",
	})
	if err != nil {
		t.Fatal(err)
	}
	if said := report.Workloads[0].lines(denied); len(said) != 1 || !strings.Contains(said[0], "a Deployment's selector cannot change") {
		t.Errorf("it says %q", said)
	}
}

func TestRun_CountsOtherObjectsAndNeedsAWorkload(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	unmarked := strings.Replace(app(""), "annotations: {k8s.score.dev/workload-name: app}", "labels: {}", 1)
	if report := reportOn(t, service+"---\n"+app("")+"\n---\n"+unmarked, ""); report.OtherObjects != 2 || len(report.Workloads) != 1 {
		t.Errorf("report %+v, want 2 other objects beside one workload", report)
	}
	for reason, content := range map[string]string{"nothing at all": "", "no workload": service + "---\n" + unmarked} {
		_, err := Run(t.Context(), Options{Manifests: read(t, content), Engine: shipped(t, policy.Overrides{}), Namespaces: &NamespaceData{}})
		if err == nil || !strings.Contains(err.Error(), "no workloads found") {
			t.Errorf("%s: %v", reason, err)
		}
	}
	invalid := strings.Replace(app(""), "containers:", "containers: none\n      volumes:", 1)
	_, err := Run(t.Context(), Options{Manifests: read(t, invalid), Engine: shipped(t, policy.Overrides{}), Namespaces: &NamespaceData{}})
	if err == nil || !strings.Contains(err.Error(), "m.yaml: document 1 (line 1) is no valid Deployment: ") {
		t.Errorf("an invalid Deployment: %v", err)
	}
}

func TestReport_Decision(t *testing.T) {
	for _, test := range []struct{ all, want []policy.Decision }{
		{nil, []policy.Decision{policy.Allow}},
		{[]policy.Decision{policy.Allow, policy.Warn, policy.Allow}, []policy.Decision{policy.Warn}},
		{[]policy.Decision{policy.Unknown, policy.Warn}, []policy.Decision{policy.Unknown}},
		{[]policy.Decision{policy.Deny, policy.Unknown, policy.Allow}, []policy.Decision{policy.Deny}},
	} {
		var report Report
		for _, d := range test.all {
			report.Workloads = append(report.Workloads, Workload{Verdict: policy.Verdict{Decision: d}})
		}
		if diff := cmp.Diff(test.want[0], report.Decision()); diff != "" {
			t.Errorf("%v: (-want +got):\n%s", test.all, diff)
		}
	}
}

// TestRun_QuantitiesOutOfRange: whatever is written as a quantity, the answer comes at once.
func TestRun_QuantitiesOutOfRange(t *testing.T) {
	for _, tt := range []struct {
		amount string
		want   policy.Decision
	}{
		{"1e3000000", policy.Deny}, {"1e1000000000", policy.Deny}, {`"1e1000000000"`, policy.Deny}, {`"-1e1000000000"`, policy.Deny},
		{"1e400", policy.Deny}, {"1" + strings.Repeat("0", 1<<18), policy.Deny},
		{`"1234567890123456789012e1000000000"`, policy.Deny}, {`"1e-1000000000"`, policy.Allow}, {`"0e1000000000"`, policy.Allow},
		{"1e-1000000000", policy.Allow}, {"0e1000000000", policy.Allow},
	} {
		for _, told := range []string{"", "apiVersion: v1\nkind: LimitRange\nmetadata: {name: bounds}\nspec: {limits: [{type: Container, max: {memory: " + tt.amount + "}}]}\n"} {
			begun := time.Now()
			report := reportOn(t, app("  resources: {limits: {memory: "+tt.amount+"}}\nvolumes: [{name: a, emptyDir: {}}]"), told)
			if got := report.Decision(); got != tt.want && told == "" {
				t.Errorf("memory %.40s: %s, want %s: %+v", tt.amount, got, tt.want, report.Workloads)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("memory %.40s: it took %s", tt.amount, took)
			}
		}
	}
}
