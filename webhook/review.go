package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/internal/quantity"
	"reprise.dev/reprise/workload"
)

// The keys of a request's objects.
const (
	objectKey    = "object"
	oldObjectKey = "oldObject"
)

// review is the request of an AdmissionReview. Its objects are decoded into Deployments, and again
// as rules see them only if a rule reads them.
type review struct {
	// decoded is the request without its objects, as rules see it. raw holds the objects.
	decoded map[string]any
	raw     map[string]json.RawMessage

	uid         types.UID
	operation   admissionv1.Operation
	namespace   string
	name        string
	user        string
	subresource string
	dryRun      bool

	// object is the new Deployment. old is the live one; nil on creation.
	object, old *appsv1.Deployment
	// intents are theirs.
	intents *intents
}

// intents are those of an old and a new Deployment. Each is built and hashed once, when it is first
// needed: that copies and hashes a whole spec.
type intents struct {
	old, object         func() workload.Intent
	oldHash, objectHash func() string
}

func newIntents(old, object *appsv1.Deployment) *intents {
	var i intents
	i.old = sync.OnceValue(func() workload.Intent { return workload.IntentOf(old) })
	i.object = sync.OnceValue(func() workload.Intent { return workload.IntentOf(object) })
	i.oldHash = sync.OnceValue(func() string { return i.old().Hash() })
	i.objectHash = sync.OnceValue(func() string { return i.object().Hash() })
	return &i
}

// changes returns the differences from the old intent to the new one.
func (i *intents) changes() (diff.Changes, error) { return diff.Intents(i.old(), i.object()) }

// decodeReview reads a body. An error names why the review cannot be evaluated.
func decodeReview(body []byte) (*review, error) {
	var document struct {
		APIVersion string                     `json:"apiVersion"`
		Kind       string                     `json:"kind"`
		Request    map[string]json.RawMessage `json:"request"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(body, &document); err != nil {
		return nil, fmt.Errorf("decoding the AdmissionReview: %w", err)
	}
	if document.APIVersion != admissionv1.SchemeGroupVersion.String() || document.Kind != "AdmissionReview" {
		return nil, fmt.Errorf("reading the AdmissionReview: the body is %q of %q, not an AdmissionReview of %s",
			document.Kind, document.APIVersion, admissionv1.SchemeGroupVersion)
	}
	if document.Request == nil {
		return nil, errors.New("reading the AdmissionReview: it holds no request")
	}
	request := make(map[string]any, len(document.Request))
	for key, raw := range document.Request {
		if key == objectKey || key == oldObjectKey {
			continue
		}
		var value any
		if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &value); err != nil {
			return nil, fmt.Errorf("decoding request.%s: %w", key, err)
		}
		request[key] = value
	}
	user, _ := request["userInfo"].(map[string]any)
	dryRun, _ := request["dryRun"].(bool)
	r := &review{
		decoded:     request,
		raw:         document.Request,
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

// writes reports whether the request writes a main resource. Nothing else is evaluated: a deletion
// has no object, and a request to deployments/scale has a Scale.
func (r *review) writes() bool {
	return r.subresource == "" && (r.operation == admissionv1.Create || r.operation == admissionv1.Update)
}

func (r *review) decodeObjects() error {
	var err error
	if r.object, err = deploymentIn(r.raw, objectKey); err != nil {
		return err
	}
	if r.operation == admissionv1.Update {
		if r.old, err = deploymentIn(r.raw, oldObjectKey); err != nil {
			return err
		}
	}
	r.intents = newIntents(r.old, r.object)
	return nil
}

// deploymentIn decodes an object of the request as a Deployment.
func deploymentIn(request map[string]json.RawMessage, key string) (*appsv1.Deployment, error) {
	raw := request[key]
	if len(raw) == 0 || string(raw) == "null" {
		return nil, fmt.Errorf("reading request.%s: there is no object", key)
	}
	raw, err := normalized(raw)
	if err != nil {
		return nil, fmt.Errorf("decoding request.%s: %w", key, err)
	}
	deployment := &appsv1.Deployment{}
	err = kjson.UnmarshalCaseSensitivePreserveInts(raw, deployment)
	if version, kind := deployment.APIVersion, deployment.Kind; version != appsv1.SchemeGroupVersion.String() || kind != "Deployment" {
		return nil, fmt.Errorf("reading request.%s: it is %q of %q, not a Deployment of %s", key, kind, version, appsv1.SchemeGroupVersion)
	}
	if err != nil {
		return nil, fmt.Errorf("decoding request.%s as a Deployment: %w", key, err)
	}
	return deployment, nil
}

// normalized returns an object whose quantities decode in bounded time.
func normalized(raw json.RawMessage) (json.RawMessage, error) {
	if !quantity.MayNeedNormalize(raw) {
		return raw, nil
	}
	var object map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw, &object); err != nil {
		return nil, err
	}
	return json.Marshal(quantity.Normalize(object))
}

// objects decodes the request's objects as rules see them. decodeReview has verified that they are
// JSON.
func (r *review) objects() (object, old any, err error) {
	for key, into := range map[string]*any{objectKey: &object, oldObjectKey: &old} {
		if raw := r.raw[key]; len(raw) > 0 {
			err = errors.Join(err, kjson.UnmarshalCaseSensitivePreserveInts(raw, into))
		}
	}
	return object, old, err
}

// workload returns the name of the object. It is empty where the object is created by generateName.
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
