package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// privileged is a template as libraries have it, with a library of its own.
const privileged = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata:
  name: noprivileged
spec:
  crd:
    spec:
      names:
        kind: NoPrivileged
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package noprivileged
        import data.lib.update.is_update
        import data.lib.exempt.exempt
        violation[{"msg": msg, "details": {}}] {
          not is_update(input.review)
          c := containers[_]
          not exempt(c)
          c.securityContext.privileged
          msg := sprintf("%v in %v is privileged", [c.name, input.review.object.metadata.name])
        }
        containers[c] { c := input.review.object.spec.containers[_] }
        containers[c] { c := input.review.object.spec.initContainers[_] }
      libs:
        - |
          package lib.update
          is_update(review) { review.operation == "UPDATE" }
        - |
          package lib.exempt
          exempt(c) {
            images := object.get(object.get(input, "parameters", {}), "exempt", [])
            startswith(c.image, images[_])
          }
`

// needsLimits is another template that brings the same library in another version, in the newer
// form.
const needsLimits = `apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata:
  name: needslimits
spec:
  crd:
    spec:
      names:
        kind: NeedsLimits
  targets:
    - target: admission.k8s.gatekeeper.sh
      code:
        - engine: K8sNativeValidation
          source: {validations: [{expression: "true"}]}
        - engine: Rego
          source:
            rego: |
              package needslimits
              import data.lib.exempt.exempt
              violation[{"msg": msg}] {
                c := input.review.object.spec.containers[_]
                not exempt(c)
                not c.resources.limits[input.parameters.resource]
                msg := sprintf("%v has no %v limit", [c.name, input["parameters"].resource])
              }
            libs:
              - |
                package lib.exempt
                exempt(c) { c.name == "sidecar" }
`

func aConstraint(kind, name, spec string) string {
	return "---\napiVersion: constraints.gatekeeper.sh/v1beta1\nkind: " + kind + "\nmetadata: {name: " + name + "}\nspec: " + spec + "\n"
}

// reviewed is an update of a Deployment with two containers that violate both templates.
func reviewed(t *testing.T) Input {
	t.Helper()
	yes := true
	container := func(name, image string) corev1.Container {
		return corev1.Container{Name: name, Image: image, SecurityContext: &corev1.SecurityContext{Privileged: &yes}}
	}
	d := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "cart", Labels: map[string]string{"of": "deployment"}},
		Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "cart"}},
			Spec: corev1.PodSpec{
				InitContainers: []corev1.Container{container("first", "registry.example.com/tool:1")},
				Containers:     []corev1.Container{container("main", "docker.io/cart:1"), container("sidecar", "docker.io/proxy:1")},
			},
		}},
	}
	in := finalInput(t, d)
	in.Request["operation"], in.Request["namespace"] = "UPDATE", "shop"
	return in
}

func TestParseSource_Gatekeeper(t *testing.T) {
	const everything = `{match: {kinds: [{apiGroups: [""], kinds: ["Pod"]}]}`
	both := []string{"first in cart is privileged", "main in cart is privileged", "sidecar in cart is privileged"}
	tests := map[string]struct {
		reason  string
		files   map[string]string
		denies  []string
		warns   []string
		dryruns []string
	}{
		"Pod": {"the effective pod is created, whatever happens to the Deployment", map[string]string{
			"template.yaml": privileged, "constraint.yaml": aConstraint("NoPrivileged", "none", everything+"}"),
		}, both, nil, nil},
		"OneFile":    {"several objects in one file", map[string]string{"all.yml": privileged + aConstraint("NoPrivileged", "none", "{}")}, both, nil, nil},
		"Parameters": {"by object.get of all of input", map[string]string{"all.yaml": privileged + aConstraint("NoPrivileged", "none", `{parameters: {exempt: ["docker.io/"]}}`)}, both[:1], nil, nil},
		"Libraries": {"two templates with one library in two versions", map[string]string{
			"a.yaml": privileged + aConstraint("NoPrivileged", "none", `{parameters: {exempt: ["docker.io/"]}}`),
			"b.yaml": needsLimits + aConstraint("NeedsLimits", "memory", `{parameters: {resource: memory}}`),
		}, []string{both[0], "main has no memory limit"}, nil, nil},
		"TwoConstraints": {"of one template, each with its parameters and enforcement", map[string]string{
			"a.yaml": needsLimits + aConstraint("NeedsLimits", "memory", `{enforcementAction: warn, parameters: {resource: memory}}`) +
				aConstraint("NeedsLimits", "cpu", `{enforcementAction: dryrun, parameters: {resource: cpu}}`),
		}, nil, []string{"main has no memory limit"}, []string{"main has no cpu limit"}},
		"Namespaces":         {"another namespace", map[string]string{"a.yaml": privileged + aConstraint("NoPrivileged", "none", `{match: {namespaces: ["team-*"]}}`)}, nil, nil, nil},
		"ExcludedNamespaces": {"this one is excluded", map[string]string{"a.yaml": privileged + aConstraint("NoPrivileged", "none", `{match: {excludedNamespaces: ["sh*"]}}`)}, nil, nil, nil},
		"Labels":             {"the labels are the pod's", map[string]string{"a.yaml": privileged + aConstraint("NoPrivileged", "none", `{match: {labelSelector: {matchLabels: {app: cart}}}}`)}, both, nil, nil},
		"OtherLabels":        {"and not the Deployment's", map[string]string{"a.yaml": privileged + aConstraint("NoPrivileged", "none", `{match: {labelSelector: {matchLabels: {of: deployment}}}}`)}, nil, nil, nil},
		"Deployments": {"a template about Deployments sees the Deployment", map[string]string{
			"a.yaml": strings.ReplaceAll(strings.ReplaceAll(privileged, "object.spec.", "object.spec.template.spec."), `not is_update(input.review)`, `is_update(input.review)`) +
				aConstraint("NoPrivileged", "none", `{match: {kinds: [{apiGroups: ["apps"], kinds: ["Deployment"]}], labelSelector: {matchLabels: {of: deployment}}}}`),
		}, both, nil, nil},
		"OtherKinds": {"a constraint that concerns no workload stands beside one that does", map[string]string{
			"a.yaml": privileged + aConstraint("NoPrivileged", "services", `{match: {kinds: [{apiGroups: [""], kinds: ["Service"]}]}}`) + aConstraint("NoPrivileged", "none", "{}"),
		}, both, nil, nil},
		"PlainRego": {"Rego of a template without its YAML", map[string]string{
			"src.rego":       "package k8sprivileged\nviolation[{\"msg\": c.name}] {\n\tinput.review.kind.kind == \"Pod\"\n\tc := input.review.object.spec.containers[_]\n\tc.securityContext.privileged\n}",
			"README.md":      "# about it",
			"src_test.rego":  "package other\ntest_x { true }",
			"kustomize.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [template.yaml]\n",
		}, []string{"main", "sidecar"}, nil, nil},
		"BothKinds": {"Rego that knows Pods and templates sees the Deployment", map[string]string{
			"src.rego": "package both\nviolation[{\"msg\": c.name}] { c := containers[_] }\ncontainers[c] { c := input.review.object.spec.containers[_] }\ncontainers[c] { c := input.review.object.spec.template.spec.containers[_] }",
		}, []string{"main", "sidecar"}, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			source, err := ParseSource("own", test.files)
			if err != nil {
				t.Fatal(err)
			}
			verdict := engineOf(t, source.Modules...).Evaluate(t.Context(), reviewed(t))
			if len(verdict.Errors) > 0 {
				t.Fatalf("%s: %v", test.reason, verdict.Errors)
			}
			got := [][]string{lines(verdict.Violations), lines(verdict.Warnings), lines(verdict.DryRun)}
			for i, want := range [][]string{test.denies, test.warns, test.dryruns} {
				if len(want)+len(got[i]) > 0 {
					if diff := cmp.Diff(want, got[i]); diff != "" {
						t.Errorf("%s: %s (-want +got):\n%s", test.reason, []string{"denies", "warns", "dryruns"}[i], diff)
					}
				}
			}
		})
	}
}

func TestParseSource_GatekeeperErrors(t *testing.T) {
	with := func(spec string) map[string]string {
		return map[string]string{"a.yaml": privileged + aConstraint("NoPrivileged", "none", spec)}
	}
	inventory := strings.Replace(privileged, `c := containers[_]`, `c := data.inventory.namespace[_]["v1"]["Pod"][_]`, 1)
	for reason, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a constraint without its template": {map[string]string{"a.yaml": aConstraint("NoPrivileged", "none", "{}")},
			"own/a.yaml: constraint none: there is no ConstraintTemplate of kind NoPrivileged in own: add it"},
		"a template alone":     {map[string]string{"a.yaml": privileged}, "own has no policies"},
		"no workload":          {with(`{match: {kinds: [{apiGroups: [""], kinds: ["Service"]}]}}`), "own has no policies"},
		"a namespaceSelector":  {with(`{match: {namespaceSelector: {matchLabels: {a: b}}}}`), "match.namespaceSelector is not supported"},
		"a name":               {with(`{match: {name: "web-*"}}`), "match.name is not supported"},
		"an action":            {with(`{enforcementAction: scoped}`), `enforcementAction is "scoped": expected deny, warn or dryrun`},
		"a wrong selector":     {with(`{match: {labelSelector: {matchExpressions: [{key: a, operator: Like}]}}}`), "match.labelSelector"},
		"a template of CEL":    {map[string]string{"a.yaml": strings.Replace(needsLimits, "engine: Rego", "engine: Other", 1) + aConstraint("NeedsLimits", "m", "{}")}, "it has no Rego, only K8sNativeValidation and Other"},
		"another target":       {map[string]string{"a.yaml": strings.Replace(privileged, "admission.k8s.gatekeeper.sh", "x", 1) + aConstraint("NoPrivileged", "none", "{}")}, "it has no target admission.k8s.gatekeeper.sh"},
		"the inventory":        {map[string]string{"a.yaml": inventory + aConstraint("NoPrivileged", "none", "{}")}, "data.inventory"},
		"no YAML":              {map[string]string{"a.yaml": "a: ["}, "own/a.yaml: "},
		"parameters elsewhere": {map[string]string{"a.rego": "package a\ndeny contains \"x\"", "params.yaml": "a: 1"}, "own/params.yaml is no object of Kubernetes: parameters are read from parameters.yaml"},
	} {
		source, err := ParseSource("own", test.files)
		if err == nil {
			_, err = New(t.Context(), source.Modules, DefaultLimits(), Overrides{})
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", reason, err, test.want)
		}
	}
}
