package policy

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/open-policy-agent/opa/v1/ast"
	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// The fields of the input, as their JSON names. They are never filled: only their types matter.
type (
	inputShape struct {
		appsv1.Deployment `json:",inline"`

		Request    reviewShape[appsv1.Deployment] `json:"request"`
		Review     reviewShape[appsv1.Deployment] `json:"review"`
		Effective  effectiveShape                 `json:"effective"`
		Parameters any                            `json:"parameters"`
	}
	podInputShape struct {
		inputShape `json:",inline"`

		Review reviewShape[corev1.Pod] `json:"review"`
	}
	reviewShape[T any] struct {
		admissionv1.AdmissionRequest `json:",inline"`

		Object    T `json:"object"`
		OldObject T `json:"oldObject"`
	}
	effectiveShape struct {
		Pod           corev1.Pod            `json:"pod"`
		DefaultedFrom map[string]causeShape `json:"defaultedFrom"`
		Violations    []violationShape      `json:"violations"`
		Unknown       []unknownShape        `json:"unknown"`
	}
	causeShape struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	}
	unknownShape struct {
		Kind   string `json:"kind"`
		Reason string `json:"reason"`
	}
	violationShape struct {
		Rule      string     `json:"rule"`
		Field     string     `json:"field"`
		Container string     `json:"container"`
		Resource  string     `json:"resource"`
		Requested any        `json:"requested"`
		Allowed   any        `json:"allowed"`
		Cause     causeShape `json:"cause"`
		Message   string     `json:"message"`
		Fix       string     `json:"fix"`
		Exact     bool       `json:"exact"`
		Transient bool       `json:"transient"`
	}
)

// anyStep is a step of a path into any item of a list or a map.
const anyStep = "\x00"

// inputPath returns a path as Rego writes it.
func inputPath(path []string) string {
	return "input." + strings.ReplaceAll(strings.ReplaceAll(strings.Join(path, "."), "."+anyStep, "[_]"), anyStep, "_")
}

// noPath returns why an input never has a path. It knows the fields of Kubernetes as its types have
// them.
func (in sourceInput) noPath(path []string) (reason, bool) {
	if len(path) == 0 || path[0] == anyStep {
		return reason{}, false
	}
	if in.reviewOnly && path[0] != "review" && path[0] != "parameters" {
		return noField(inputPath(path[:1]), "read input.review.object, as in Gatekeeper"), true
	}
	if path[0] == "parameters" {
		return in.noParameter(path)
	}
	at := reflect.TypeFor[inputShape]()
	if in.pod {
		at = reflect.TypeFor[podInputShape]()
	}
	for i, step := range path {
		next, isKnown := child(at, step)
		if !isKnown {
			return reason{}, false
		}
		if next == nil {
			return noField(inputPath(path[:i+1]), in.instead(at, path[:i], step)), true
		}
		at = next
	}
	return reason{}, false
}

// noParameter returns why the parameters never have a path.
func (in sourceInput) noParameter(path []string) (reason, bool) {
	var at ast.Value = ast.NewObject()
	if in.parameters != nil {
		at = in.parameters
	}
	for i, step := range path[1:] {
		object, isObject := at.(ast.Object)
		if step == anyStep || !isObject {
			return reason{}, false
		}
		term := object.Get(ast.StringTerm(step))
		if term == nil {
			return noField(inputPath(path[:i+2]), "set it in "+parametersFile+", or in the parameters of the constraint"), true
		}
		at = term.Value
	}
	return reason{}, false
}

// child returns the type of a field or an item; nil if there is none. It is not known for a type
// that encodes itself, and for any field of a struct.
func child(of reflect.Type, step string) (found reflect.Type, isKnown bool) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Implements(reflect.TypeFor[json.Marshaler]()) || reflect.PointerTo(of).Implements(reflect.TypeFor[json.Marshaler]()) {
		return nil, false
	}
	switch of.Kind() {
	case reflect.Struct:
		if step == anyStep {
			return nil, false
		}
		return fieldOf(of, step), true
	case reflect.Map:
		return of.Elem(), true
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 || step != anyStep { // Bytes are text.
			return nil, true
		}
		return of.Elem(), true
	case reflect.Interface:
		return nil, false
	default:
		return nil, true
	}
}

// fieldOf returns the type of a field of a struct, or of one inlined into it; nil if there is none.
func fieldOf(of reflect.Type, name string) reflect.Type {
	var inlined []reflect.Type
	for f := range of.Fields() {
		switch own, options, _ := strings.Cut(f.Tag.Get("json"), ","); {
		case own == name && name != "":
			return f.Type
		case own == "" && (f.Anonymous || strings.Contains(options, "inline")):
			inlined = append(inlined, f.Type)
		}
	}
	for _, t := range inlined {
		if found := fieldOf(t, name); found != nil {
			return found
		}
	}
	return nil
}

// fieldNames returns the names of all fields of a struct.
func fieldNames(of reflect.Type) []string {
	var names []string
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct {
		return nil
	}
	for f := range of.Fields() {
		own, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if own == "" && f.Anonymous {
			names = append(names, fieldNames(f.Type)...)
		} else if own != "" && own != "-" {
			names = append(names, own)
		}
	}
	return names
}

// instead returns what to read instead of a field that a type does not have.
func (in sourceInput) instead(at reflect.Type, parent []string, step string) string {
	for at.Kind() == reflect.Pointer {
		at = at.Elem()
	}
	inSpec := at == reflect.TypeFor[appsv1.DeploymentSpec]()
	switch {
	case at.Kind() == reflect.Slice:
		return inputPath(parent) + " is a list: read " + inputPath(append(slices.Clone(parent), anyStep, step))
	case inSpec && podFields[step] && in.reviewOnly:
		return "read " + inputPath(append(slices.Clone(parent), "template", "spec", step))
	case inSpec && podFields[step]:
		return "read input.effective.pod.spec." + step
	case at == reflect.TypeFor[corev1.PodSpec]() && step == templateField:
		return "the reviewed object is a Pod: read its spec"
	}
	best, distance := "", 3
	for _, name := range fieldNames(at) {
		if d := levenshtein.ComputeDistance(name, step); d < distance && d < len(step)-1 {
			best, distance = name, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "read a field of a Deployment or of its pod, or remove the rule"
}

// constants are the values that parts of the input always have.
var constants = func() map[string][]ast.Value {
	values := map[string][]ast.Value{}
	review := func(at, group, kind, resource string, operations ...ast.Value) {
		text := func(path string, value string) { values[at+"."+path] = []ast.Value{ast.String(value)} }
		text("kind.group", group)
		text("kind.version", "v1")
		text("kind.kind", kind)
		text("resource.group", group)
		text("resource.version", "v1")
		text("resource.resource", resource)
		text("object.kind", kind)
		text("object.apiVersion", strings.TrimPrefix(group+"/v1", "/"))
		values[at+".operation"] = operations
	}
	values["kind"], values["apiVersion"] = []ast.Value{ast.String("Deployment")}, []ast.Value{ast.String("apps/v1")}
	for _, at := range []string{"request", "review"} {
		review(at, "apps", "Deployment", "deployments", ast.String("CREATE"), ast.String("UPDATE"))
	}
	review("pod", "", "Pod", "pods", ast.String("CREATE"))
	return values
}()

// constant returns the only values that a path may have; nil if they are not known.
func (in sourceInput) constant(path []string) []ast.Value {
	if in.pod && len(path) > 0 && path[0] == "review" {
		path = slices.Concat([]string{"pod"}, path[1:])
	}
	return constants[strings.Join(path, ".")]
}
