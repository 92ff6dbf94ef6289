package webhook

import (
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"
)

// review is an AdmissionReview's request. The body is decoded once; rules see
// the decoded maps, and the typed objects are made of the same.
type review struct {
	// decoded is the request as rules see it.
	decoded map[string]any

	uid         types.UID
	operation   admissionv1.Operation
	namespace   string
	name        string
	user        string
	subresource string
	dryRun      bool

	// object is what the Deployment is to become; old is the live one, nil on creation.
	object, old *appsv1.Deployment
}

// decodeReview reads a body. An error says why it cannot be judged.
func decodeReview(body []byte) (*review, error) {
	var document map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &document); err != nil {
		return nil, fmt.Errorf("decoding the AdmissionReview: %w", err)
	}
	if version, kind := text(document, "apiVersion"), text(document, "kind"); version != admissionv1.SchemeGroupVersion.String() || kind != "AdmissionReview" {
		return nil, fmt.Errorf("reading the AdmissionReview: the body is %q of %q, not an AdmissionReview of %s", kind, version, admissionv1.SchemeGroupVersion)
	}
	request, isMap := document["request"].(map[string]any)
	if !isMap {
		return nil, errors.New("reading the AdmissionReview: it holds no request")
	}
	user, _ := request["userInfo"].(map[string]any)
	dryRun, _ := request["dryRun"].(bool)
	r := &review{
		decoded:     request,
		uid:         types.UID(text(request, "uid")),
		operation:   admissionv1.Operation(text(request, "operation")),
		namespace:   text(request, "namespace"),
		name:        text(request, "name"),
		user:        text(user, "username"),
		subresource: text(request, "subResource"),
		dryRun:      dryRun,
	}
	if r.uid == "" {
		return nil, errors.New("reading the AdmissionReview: its request has no uid")
	}
	if !r.writes() {
		return r, nil
	}
	return r, r.decodeObjects()
}

// writes says whether the request writes a main resource. Nothing else is
// judged: a deletion has no object, and what is sent to deployments/scale is a Scale.
func (r *review) writes() bool {
	return r.subresource == "" && (r.operation == admissionv1.Create || r.operation == admissionv1.Update)
}

func (r *review) decodeObjects() error {
	var err error
	if r.object, err = deploymentIn(r.decoded, "object"); err != nil {
		return err
	}
	if r.operation == admissionv1.Update {
		if r.old, err = deploymentIn(r.decoded, "oldObject"); err != nil {
			return err
		}
	}
	return nil
}

// deploymentIn makes the typed Deployment of a decoded object.
func deploymentIn(request map[string]any, key string) (*appsv1.Deployment, error) {
	object, isMap := request[key].(map[string]any)
	if !isMap {
		return nil, fmt.Errorf("reading request.%s: there is no object", key)
	}
	version, kind := text(object, "apiVersion"), text(object, "kind")
	if version != appsv1.SchemeGroupVersion.String() || kind != "Deployment" {
		return nil, fmt.Errorf("reading request.%s: it is %q of %q, not a Deployment of %s", key, kind, version, appsv1.SchemeGroupVersion)
	}
	deployment := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, deployment); err != nil {
		return nil, fmt.Errorf("decoding request.%s as a Deployment: %w", key, err)
	}
	return deployment, nil
}

// workload names the object. On creation with generateName there is no name yet.
func (r *review) workload() types.NamespacedName {
	name := r.name
	if name == "" {
		name = r.object.Name
	}
	return types.NamespacedName{Namespace: r.namespace, Name: name}
}

func text(object map[string]any, key string) string {
	value, _ := object[key].(string)
	return value
}
