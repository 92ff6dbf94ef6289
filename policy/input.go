package policy

import (
	"fmt"
	"maps"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"k8s.io/apimachinery/pkg/runtime"

	"reprise.dev/reprise/effective"
)

// Phase is the admission phase in which a workload is evaluated.
type Phase int

const (
	// Early is the mutating phase. The object is as written, and only early rules are evaluated.
	Early Phase = iota
	// Final is the validating phase or later. All rules are evaluated.
	Final
)

// Input is the input of the rules.
type Input struct {
	Phase Phase
	// Request is the AdmissionReview's request as decoded from JSON: maps, slices,
	// strings, bools, int64, float64 and nil. It is not changed. Rules see it as
	// input.request and input.review, and its object's fields as input.kind, input.spec
	// and so on; without managedFields.
	Request map[string]any
	// Objects decodes the request's object and oldObject where Request lacks them. It is called only
	// if a rule may read them or a violation's field is named by them. It is nil where Request has
	// them.
	Objects func() (object, old any, err error)
	// Effective is the pod that the API server will make of the template. Rules see it as
	// input.effective. In the early phase, they see the template as written instead, and only the
	// violations of Effective.
	Effective effective.Result
	// NamespaceLabels are the labels of the namespace, which rules see as input.namespace.labels. They
	// are nil if nobody knows them: references to them are undefined.
	NamespaceLabels map[string]string
	// AsWritten shows rules the quantities as the request's object spells them, where the effective
	// pod has the same value. Messages then quote the author's spelling.
	AsWritten bool
	// Now is the time of the evaluation, at which exemptions may have expired. The zero value disables
	// exemptions.
	Now time.Time
}

// document builds the input document, with those of the sources that have their own. OPA converts a
// part only when a rule reads it.
func (in Input) document(sources map[string]sourceInput) (ast.Value, error) {
	request := withoutManagedFields(in.Request)
	document := map[string]any{}
	if object, isMap := request["object"].(map[string]any); isMap {
		maps.Copy(document, object) // Conftest's rules see the bare object.
	}
	document["request"], document["review"] = request, request
	document["parameters"] = map[string]any{}
	document["namespace"] = in.namespace()
	facts := asWritten(in.Request, in.Effective.Violations)
	if in.Phase != Early {
		var err error
		if facts, err = effectiveFacts(in.Effective); err != nil {
			return nil, err
		}
		if in.AsWritten {
			displayAsWritten(facts["pod"], templateIn(in.Request))
		}
	}
	document["effective"] = facts
	if len(sources) > 0 {
		pod, _ := facts["pod"].(map[string]any)
		document[sourceInputs] = in.documents(sources, document, pod)
	}
	return ast.LazyObject(document), nil
}

// namespace returns the namespace as rules see it.
func (in Input) namespace() map[string]any {
	namespace := map[string]any{"name": subjectOf(in.Request).namespace}
	if in.NamespaceLabels != nil {
		labels := make(map[string]any, len(in.NamespaceLabels))
		for key, value := range in.NamespaceLabels {
			labels[key] = value
		}
		namespace["labels"] = labels
	}
	return namespace
}

// withObjects returns the input with its request's objects, decoded at most once.
func (in Input) withObjects() (Input, error) {
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

// withoutManagedFields returns a request without managedFields, which are large and irrelevant to
// rules. It copies no more than needed.
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

// asWritten returns a request's pod template in place of the effective pod, with the violations
// that need no namespace.
func asWritten(request map[string]any, violations []effective.Violation) map[string]any {
	pod := map[string]any{}
	if template := templateIn(request); template != nil {
		pod = template
	}
	return map[string]any{
		"pod":           pod,
		"defaultedFrom": map[string]any{},
		"violations":    violationList(violations),
		"unknown":       []any{},
	}
}

func templateIn(request map[string]any) map[string]any {
	object, _ := request["object"].(map[string]any)
	spec, _ := object["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	return template
}

// effectiveFacts returns an effective.Result as rules see it.
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
	unknowns := make([]any, 0, len(result.Unknown))
	for _, unknown := range result.Unknown {
		unknowns = append(unknowns, map[string]any{"kind": string(unknown.Kind), "reason": unknown.Reason})
	}
	return map[string]any{
		"pod":           pod,
		"defaultedFrom": defaultedFrom,
		"violations":    violationList(result.Violations),
		"unknown":       unknowns,
	}, nil
}

func violationList(violations []effective.Violation) []any {
	list := make([]any, 0, len(violations))
	for _, violation := range violations {
		list = append(list, violationFacts(violation))
	}
	return list
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
