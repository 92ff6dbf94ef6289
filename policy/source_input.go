package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// sourceInputs is the key of the input under which the sources with an input of their own have it.
const sourceInputs = "__sources"

// sourceInput is what the rules of a source see in their own way. All rules share one query and one
// document, so their references to input lead to a part of it.
type sourceInput struct {
	// parameters are input.parameters.
	parameters ast.Value
	// data has the documents that rules see as data.KEY.
	data map[string]any
	// pod reports whether input.review is the creation of the effective pod, as Gatekeeper reviews a
	// Pod that it expands from a workload. Otherwise it is the request.
	pod bool
	// reviewOnly reports whether the input has nothing but review and parameters, as in Gatekeeper.
	reviewOnly bool
}

// inputsOf returns the inputs of those sources that need their own, and makes their modules use
// them. trees has the parsed modules by file.
func inputsOf(modules []Module, trees map[string]*ast.Module) (map[string]sourceInput, error) {
	inputs := map[string]sourceInput{}
	for _, m := range modules {
		key, tree := m.inputKey(), trees[m.File]
		in, found := inputs[key]
		if !found && m.Parameters != nil {
			value, err := ast.InterfaceToValue(m.Parameters)
			if err != nil {
				return nil, fmt.Errorf("%s: the parameters: %w", m.File, err)
			}
			in.parameters = value
		}
		in.data = m.Data
		if m.Constraint != nil {
			in.pod, in.reviewOnly = m.Constraint.Pod, true
		} else if reviewsPods(tree) {
			in.pod = true
		}
		inputs[key] = in
	}
	for _, m := range modules { // A source that also reads the template reviews Deployments.
		if in := inputs[m.inputKey()]; m.Constraint == nil && in.pod && mentions(trees[m.File], templateField) {
			in.pod = false
			inputs[m.inputKey()] = in
		}
	}
	maps.DeleteFunc(inputs, func(_ string, in sourceInput) bool {
		return in.parameters == nil && len(in.data) == 0 && !in.pod && !in.reviewOnly
	})
	for _, m := range modules {
		if in, own := inputs[m.inputKey()]; own {
			in.use(trees[m.File], m.inputKey())
		}
	}
	return inputs, nil
}

// sourceData is the key of a source's input that has its documents.
const sourceData = "__data"

// use makes every reference of a module to input lead to that of its source, also one to all of
// input, and every reference to a document of data.
func (in sourceInput) use(module *ast.Module, key string) {
	own := func(at *ast.Location, rest ast.Ref) ast.Ref {
		ref := ast.Ref{ast.VarTerm(string(ast.InputRootDocument.Value.(ast.Var))), ast.StringTerm(sourceInputs), ast.StringTerm(key)}
		for _, part := range ref {
			part.Location = at
		}
		return slices.Concat(ref, rest)
	}
	var visitor *ast.GenericVisitor
	visitor = ast.NewGenericVisitor(func(x any) bool {
		term, isTerm := x.(*ast.Term)
		if !isTerm {
			return false
		}
		switch value := term.Value.(type) {
		case ast.Ref:
			switch {
			case value.HasPrefix(ast.InputRootRef):
				value = own(value[0].Location, value[1:])
			case in.isData(value):
				value = own(value[0].Location, slices.Concat(ast.Ref{ast.StringTerm(sourceData)}, value[1:]))
			}
			term.Value = value
			for i, part := range value {
				if _, isVar := part.Value.(ast.Var); i > 0 || !isVar { // A call may stand first.
					visitor.Walk(part)
				}
			}
			return true
		case ast.Var:
			if value.Equal(ast.InputRootDocument.Value) {
				term.Value = own(term.Location, nil)
			}
		}
		return false
	})
	visitor.Walk(module)
}

// isData reports whether a reference leads to a document of the source.
func (in sourceInput) isData(ref ast.Ref) bool {
	if !ref.HasPrefix(ast.DefaultRootRef) || len(ref) < 2 {
		return false
	}
	key, isText := ref[1].Value.(ast.String)
	_, found := in.data[string(key)]
	return isText && found
}

// templateField is the field of a Deployment that a rule about Deployments reads.
const templateField = "template"

// podFields are the fields of a Pod's spec that a Deployment's has not.
var podFields = func() map[string]bool {
	names := func(of any) map[string]bool {
		found := map[string]bool{}
		for f := range reflect.TypeOf(of).Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			found[name] = true
		}
		return found
	}
	fields, own := names(corev1.PodSpec{}), names(appsv1.DeploymentSpec{})
	maps.DeleteFunc(fields, func(name string, _ bool) bool { return own[name] })
	return fields
}()

// reviewsPods reports whether a module reads input.review.object as a Pod: by a field that only the
// spec of a Pod has.
func reviewsPods(module *ast.Module) bool {
	spec := ast.MustParseRef("input.review.object.spec")
	found := false
	ast.WalkRefs(module, func(ref ast.Ref) bool {
		if ref.HasPrefix(spec) && len(ref) > len(spec) {
			name, isText := ref[len(spec)].Value.(ast.String)
			found = found || !isText || podFields[string(name)]
		}
		return found
	})
	return found
}

// mentions reports whether a word stands in a module as a string or as a part of a reference.
func mentions(module *ast.Module, word string) bool {
	found := false
	ast.WalkTerms(module, func(term *ast.Term) bool {
		text, isText := term.Value.(ast.String)
		found = found || isText && string(text) == word
		return found
	})
	return found
}

// documents returns the inputs of the sources that have their own. shared is the input of all
// others.
func (in Input) documents(sources map[string]sourceInput, shared map[string]any, pod map[string]any) map[string]any {
	common := make(map[string]any, len(shared))
	for key, value := range shared {
		common[key] = lazy(value)
	}
	var review any
	documents := make(map[string]any, len(sources))
	for name, source := range sources {
		own := map[string]any{"review": common["review"]}
		if !source.reviewOnly {
			own = maps.Clone(common)
		}
		if source.pod {
			if review == nil {
				review = lazy(in.podReview(pod))
			}
			own["review"] = review
		}
		own["parameters"] = map[string]any{}
		if source.parameters != nil {
			own["parameters"] = source.parameters
		}
		own[sourceData] = source.data
		documents[name] = own
	}
	return documents
}

// lazy returns a map that OPA converts at most once, however many documents have it.
func lazy(value any) any {
	if fields, isMap := value.(map[string]any); isMap {
		return ast.LazyObject(fields)
	}
	return value
}

// podReview returns the request that would create the effective pod.
func (in Input) podReview(pod map[string]any) map[string]any {
	object := maps.Clone(pod)
	if object == nil {
		object = map[string]any{}
	}
	object["apiVersion"], object["kind"] = "v1", "Pod"
	who := subjectOf(in.Request)
	metadata, _ := object["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["namespace"] = who.namespace
	if name, _ := metadata["name"].(string); name == "" {
		metadata["name"] = who.name
	}
	object["metadata"] = metadata
	kind := map[string]any{"group": "", "version": "v1", "kind": "Pod"}
	resource := map[string]any{"group": "", "version": "v1", "resource": "pods"}
	review := map[string]any{
		"kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
		"operation": "CREATE", "namespace": who.namespace, "name": metadata["name"], "object": object, "oldObject": nil,
	}
	for _, key := range []string{"uid", "userInfo", "dryRun"} {
		if value, found := in.Request[key]; found {
			review[key] = value
		}
	}
	return review
}
