// Package webhook answers the API server's admission reviews of Deployments, in
// both phases: the early check in the mutating phase, which never mutates, and
// the last word in the validating phase.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// The paths under which the two handlers are registered.
const (
	EarlyPath    = "/admission/early"
	ValidatePath = "/admission/validate"
)

// maxBody is the longest review that is read, in bytes. The API server takes no
// object over 3 MiB, and an update's review holds two.
const maxBody = 7 << 20

// Config is what a handler works with. All of it is required.
type Config struct {
	Policies   Policies
	Namespaces NamespaceData
	Revisions  Revisions
	// Denials tells of what was denied; its Run must run.
	Denials *EventQueue
	// FailurePolicy is the one that the webhook configurations state: what
	// becomes of a request that could not be judged.
	FailurePolicy admissionregistrationv1.FailurePolicyType
	// Username is Reprise's own, as the API server knows it. Its rollback writes
	// are exempt from policy.
	Username string
	// Observer counts what is answered.
	Observer Observer
	// Defaults are the install's settings of workloads, as they are now.
	Defaults func() workload.Settings
	Now      func() time.Time
	Log      logr.Logger
}

// Handler answers the reviews of one phase. It is a plain http.Handler:
// whatever it cannot read it answers with HTTP 500, so that the API server
// applies the configured failure policy. An answer of "not allowed" with code
// 500 inside would be a denial whatever is configured
// (k8s.io/apiserver/pkg/admission/plugin/webhook).
type Handler struct {
	Config
	phase policy.Phase
}

// NewHandler makes the handler of a phase. It fails if the configuration lacks something.
func NewHandler(phase policy.Phase, c Config) (*Handler, error) {
	if c.Policies == nil || c.Namespaces == nil || c.Revisions == nil || c.Denials == nil || c.Observer == nil || c.Defaults == nil || c.Now == nil {
		return nil, errors.New("configuring the webhook: policies, namespaces, revisions, refusals, the observer, defaults and the clock are required")
	}
	if c.FailurePolicy != admissionregistrationv1.Fail && c.FailurePolicy != admissionregistrationv1.Ignore {
		return nil, fmt.Errorf("configuring the webhook: failure policy %q is neither Fail nor Ignore", c.FailurePolicy)
	}
	return &Handler{Config: c, phase: phase}, nil
}

// ServeHTTP answers one review.
func (h *Handler) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			h.Log.Error(fmt.Errorf("panic: %v", cause), "Answering an admission review", "stack", string(debug.Stack()))
			http.Error(w, "reprise: the review could not be judged: an internal error, see the log", http.StatusInternalServerError)
		}
	}()
	arrived := h.Now()
	body, err := readBody(request)
	if err != nil {
		h.rejectMalformed(w, err)
		return
	}
	review, err := decodeReview(body)
	if err != nil {
		h.rejectMalformed(w, err)
		return
	}
	// The API server's call ends with its timeout, not with this process's
	// shutdown: a review that has arrived is answered.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(request.Context()), deadline(request.URL))
	defer cancel()

	answer := h.answer(ctx, review)
	answer.response.UID = review.uid
	h.write(w, answer.response)
	h.observe(review, answer, h.Now().Sub(arrived))
	if answer.denial != nil {
		h.Denials.add(*answer.denial)
	}
}

func readBody(request *http.Request) ([]byte, error) {
	if request.ContentLength > maxBody {
		return nil, fmt.Errorf("reading the AdmissionReview: it has %d bytes, more than %d", request.ContentLength, maxBody)
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("reading the AdmissionReview: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("reading the AdmissionReview: it has more than %d bytes", maxBody)
	}
	return body, nil
}

// rejectMalformed answers what cannot be judged.
func (h *Handler) rejectMalformed(w http.ResponseWriter, err error) {
	h.Log.Error(err, "Answering an admission review with HTTP 500")
	http.Error(w, "reprise: "+err.Error(), http.StatusInternalServerError)
}

func (h *Handler) write(w http.ResponseWriter, response *admissionv1.AdmissionResponse) {
	encoded, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Response: response,
	})
	if err != nil {
		h.rejectMalformed(w, fmt.Errorf("encoding the answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(encoded); err != nil {
		h.Log.Error(err, "Writing the answer to an admission review")
	}
}
