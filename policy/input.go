package policy

import (
	"fmt"
	"maps"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/effective"
)

// Phase is when a workload is judged.
type Phase int

const (
	// Early is the mutating phase: the object is as written, and only early rules are judged.
	Early Phase = iota
	// Final is the validating phase, or later: the last word, by all rules.
	Final
)

// Input is what rules are asked about.
type Input struct {
	Phase Phase
	// Request is the AdmissionReview's request as decoded from JSON: maps, slices,
	// strings, bools, int64, float64 and nil. It is not changed. Rules see it as
	// input.request and input.review, and its object's fields as input.kind, input.spec
	// and so on; without managedFields.
	Request map[string]any
	// Objects decodes the request's object and oldObject where Request lacks them: it is called only
	// if a rule may read them, or a violation is to be worded by them. Nil where Request is whole.
	Objects func() (object, old any, err error)
	// Effective is what the API server will make of the pod template. Rules see
	// it as input.effective. In the early phase it is not used: there the
	// effective pod is the template as written.
	Effective effective.Result
	// AsWritten has rules see the quantities that the request's object states as it spells them, where
	// the effective pod has the same value: what the API server has not stored yet is told in its
	// author's own words.
	AsWritten bool
	// Now is when it is judged: exemptions end. Without it none holds.
	Now time.Time
}

// document builds the input document. It is lazy: OPA converts a part of it
// when a rule looks there, so what no rule reads costs nothing.
func (in Input) document() (ast.Value, error) {
	request := withoutManagedFields(in.Request)
	document := map[string]any{}
	if object, isMap := request["object"].(map[string]any); isMap {
		maps.Copy(document, object) // Conftest's rules see the bare object.
	}
	document["request"], document["review"] = request, request
	delete(document, "parameters")
	if in.Phase == Early {
		document["effective"] = asWritten(in.Request)
		return ast.LazyObject(document), nil
	}
	facts, err := effectiveFacts(in.Effective)
	if err != nil {
		return nil, err
	}
	if in.AsWritten {
		displayAsWritten(facts["pod"], templateIn(in.Request))
	}
	document["effective"] = facts
	return ast.LazyObject(document), nil
}

// whole is the input with its request's objects. They are decoded once at most.
func (in Input) whole() (Input, error) {
	if in.Objects == nil {
		return in, nil
	}
	object, old, err := in.Objects()
	if err != nil {
		return in, fmt.Errorf("decoding the request's objects: %w", err)
	}
	in.Request = maps.Clone(in.Request)
	in.Request["object"], in.Request["oldObject"], in.Objects = object, old, nil
	return in, nil
}

// withoutManagedFields copies as much of a request as it needs to leave out the
// bookkeeping of field ownership, which is large and no rule's business.
func withoutManagedFields(request map[string]any) map[string]any {
	stripped := maps.Clone(request)
	for _, key := range []string{"object", "oldObject"} {
		object, isMap := request[key].(map[string]any)
		if !isMap {
			continue
		}
		metadata, isMap := object["metadata"].(map[string]any)
		if !isMap {
			continue
		}
		metadata = maps.Clone(metadata)
		delete(metadata, "managedFields")
		object = maps.Clone(object)
		object["metadata"] = metadata
		stripped[key] = object
	}
	return stripped
}

// asWritten presents a request's pod template as if it were the effective pod.
func asWritten(request map[string]any) map[string]any {
	pod := map[string]any{}
	if template := templateIn(request); template != nil {
		pod = template
	}
	return map[string]any{
		"pod":           pod,
		"defaultedFrom": map[string]any{},
		"violations":    []any{},
		"unknown":       []any{},
	}
}

func templateIn(request map[string]any) map[string]any {
	object, _ := request["object"].(map[string]any)
	spec, _ := object["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	return template
}

// effectiveFacts is an effective.Result as rules see it.
func effectiveFacts(result effective.Result) (map[string]any, error) {
	pod := map[string]any{}
	if result.Pod != nil {
		var err error
		if pod, err = runtime.DefaultUnstructuredConverter.ToUnstructured(result.Pod); err != nil {
			return nil, fmt.Errorf("converting the effective pod: %w", err)
		}
	}
	defaultedFrom := make(map[string]any, len(result.DefaultedFrom))
	for path, cause := range result.DefaultedFrom {
		defaultedFrom[path] = causeFacts(cause)
	}
	violations := make([]any, 0, len(result.Violations))
	for _, violation := range result.Violations {
		violations = append(violations, violationFacts(violation))
	}
	unknowns := make([]any, 0, len(result.Unknown))
	for _, unknown := range result.Unknown {
		unknowns = append(unknowns, map[string]any{"kind": string(unknown.Kind), "reason": unknown.Reason})
	}
	return map[string]any{
		"pod":           pod,
		"defaultedFrom": defaultedFrom,
		"violations":    violations,
		"unknown":       unknowns,
	}, nil
}

func violationFacts(violation effective.Violation) map[string]any {
	return map[string]any{
		"rule":      string(violation.Rule),
		"field":     violation.Field,
		"container": violation.Container,
		"resource":  string(violation.Resource),
		"requested": violation.Requested,
		"allowed":   violation.Allowed,
		"cause":     causeFacts(violation.Cause),
		"message":   violation.Message,
		"fix":       violation.Fix,
		"exact":     violation.Exact,
		"transient": violation.Transient,
	}
}

func causeFacts(cause effective.Cause) map[string]any {
	return map[string]any{"kind": string(cause.Kind), "name": cause.Name}
}

// String names the phase as it appears in logs and metrics.
func (p Phase) String() string {
	if p == Early {
		return "early"
	}
	return "final"
}
