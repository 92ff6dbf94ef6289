package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// The account that Reprise has in these tests.
const ownName = "system:serviceaccount:reprise-system:reprise"

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// manifest reads a Deployment that score-k8s wrote, as it would be live in the namespace shop.
func manifest(t testing.TB, name string) *appsv1.Deployment {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	deployment := &appsv1.Deployment{}
	if err := yaml.UnmarshalStrict(text, deployment); err != nil {
		t.Fatal(err)
	}
	deployment.Namespace = "shop"
	deployment.UID = "11111111-2222-3333-4444-555555555555"
	return deployment
}

// writing returns the review of a creation, or of an update where there is an old object.
func writing(old, object *appsv1.Deployment) *admissionv1.AdmissionReview {
	request := &admissionv1.AdmissionRequest{
		UID:       "review-1",
		Kind:      metav1.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
		Resource:  metav1.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		Name:      object.Name,
		Namespace: "shop",
		Operation: admissionv1.Create,
		UserInfo:  authenticationv1.UserInfo{Username: "alice"},
		Object:    runtime.RawExtension{Object: object},
	}
	if old != nil {
		request.Operation = admissionv1.Update
		request.OldObject = runtime.RawExtension{Object: old}
	}
	return &admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  request,
	}
}

// namespace is namespace data that holds still.
type namespace struct {
	data        effective.Namespace
	annotations map[string]string
}

func (n namespace) For(context.Context, string) effective.Namespace       { return n.data }
func (n namespace) Annotations(context.Context, string) map[string]string { return n.annotations }

// shop returns a namespace with what every namespace has, and the given LimitRanges.
func shop(limitRanges ...*corev1.LimitRange) namespace {
	return namespace{data: effective.Namespace{
		Name:            "shop",
		ServiceAccounts: []*corev1.ServiceAccount{{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: "shop"}}},
		LimitRanges:     limitRanges,
	}}
}

// records are revisions that hold still.
type records struct {
	quarantine map[string]*Quarantine
	healthy    *Healthy
	intents    map[string]bool
	files      []string
	err        error
}

func (r records) Quarantined(_ context.Context, _ types.NamespacedName, _ types.UID, template *corev1.PodTemplateSpec, at time.Time) (*Quarantine, error) {
	if q := r.quarantine[workload.TemplateHash(template)]; q != nil && at.Before(q.Until) {
		return q, r.err
	}
	return nil, r.err
}

func (r records) LastHealthy(context.Context, types.NamespacedName) (*Healthy, error) {
	return r.healthy, r.err
}

func (r records) Recorded(_ context.Context, _ types.NamespacedName, _ workload.Intent, intentHash string) (bool, error) {
	return r.intents[intentHash], r.err
}

func (r records) ChangedFiles(context.Context, types.NamespacedName) ([]string, error) {
	return r.files, r.err
}

// written collects events.
type written struct {
	mu     sync.Mutex
	events []event.Event
}

func (w *written) Write(_ context.Context, e event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	return nil
}

// remembered is what a webhook's reviews call the stored Deployments.
type remembered struct {
	mu   sync.Mutex
	live map[types.NamespacedName]*appsv1.Deployment
}

func (r *remembered) Live(_ context.Context, w types.NamespacedName) (*appsv1.Deployment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live[w], nil
}

// see remembers the old object of a review, or the new one of a creation.
func (r *remembered) see(body []byte) {
	review, err := decodeReview(body)
	if err != nil || review.object == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[review.workload()] = cmp.Or(review.old, review.object)
}

// setting is a webhook under test; what is not set is as in a sound install.
type setting struct {
	phase         policy.Phase
	policies      Policies
	namespace     *namespace
	records       records
	failurePolicy admissionregistrationv1.FailurePolicyType
	observed      *observed
	log           logr.Logger
}

// handler returns the webhook, with the events that its denials become.
func (s setting) handler(t testing.TB) (*Handler, *written) {
	t.Helper()
	if s.policies == nil {
		s.policies = shippedPolicies(t)
	}
	if s.namespace == nil {
		data := shop()
		s.namespace = &data
	}
	if s.failurePolicy == "" {
		s.failurePolicy = admissionregistrationv1.Fail
	}
	if s.observed == nil {
		s.observed = &observed{}
	}
	events := &written{}
	handler, err := NewHandler(s.phase, Config{
		Policies: s.policies, Namespaces: s.namespace, Revisions: s.records,
		Denials:       NewEventQueue(events, s.records, &remembered{}, logr.Discard()),
		FailurePolicy: s.failurePolicy, Username: ownName, Defaults: workload.DefaultSettings,
		Intake:   NewIntake(IntakeConfig{Unevaluated: func(reason string) { s.observed.note("unevaluated", reason) }, Now: now, Log: s.log}),
		Observer: s.observed, Now: now, Log: s.log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler, events
}

// server gives a way to call the webhook. told returns the events of all denials so far.
func (s setting) server(t testing.TB) (call func(body []byte) *httptest.ResponseRecorder, told func() []event.Event) {
	t.Helper()
	handler, events := s.handler(t)
	live := &remembered{live: map[types.NamespacedName]*appsv1.Deployment{}}
	handler.Denials.workloads = live
	call = func(body []byte) *httptest.ResponseRecorder {
		live.see(body)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodPost, ValidatePath+"?timeout=2s", bytes.NewReader(body)))
		return answer
	}
	told = func() []event.Event {
		done, cancel := context.WithCancel(context.Background())
		cancel() // An ended Run tells of what waits, and returns.
		if err := handler.Denials.Run(done); err != nil {
			t.Fatal(err)
		}
		return events.events
	}
	return call, told
}

// ask sends a review and reads the response.
func ask(t testing.TB, call func([]byte) *httptest.ResponseRecorder, review *admissionv1.AdmissionReview) *admissionv1.AdmissionResponse {
	t.Helper()
	return responseIn(t, call(encode(t, review)), review.Request.UID)
}

// responseIn reads the response to the review of that uid.
func responseIn(t testing.TB, answer *httptest.ResponseRecorder, uid types.UID) *admissionv1.AdmissionResponse {
	t.Helper()
	if answer.Code != http.StatusOK {
		t.Fatalf("HTTP %d: %s", answer.Code, answer.Body)
	}
	var got admissionv1.AdmissionReview
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Response == nil || got.Response.UID != uid || got.APIVersion != "admission.k8s.io/v1" || got.Kind != "AdmissionReview" {
		t.Fatalf("no answer to the review: %s", answer.Body)
	}
	if got.Response.Patch != nil || got.Response.PatchType != nil {
		t.Errorf("the response mutates: %s", got.Response.Patch)
	}
	return got.Response
}

func encode(t testing.TB, value any) []byte {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func shippedPolicies(t testing.TB) *policy.Engine {
	t.Helper()
	modules, err := policy.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return enginesOf(t, modules...)
}

func enginesOf(t testing.TB, modules ...policy.Module) *policy.Engine {
	t.Helper()
	engine, err := policy.New(t.Context(), modules, policy.DefaultLimits(), policy.Overrides{})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}
