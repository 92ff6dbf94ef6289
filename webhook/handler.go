// Package webhook answers the API server's admission reviews of Deployments in both phases: an
// early check in the mutating phase, which never mutates, and the final one in the validating
// phase.
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

// maxBody is the longest review in bytes. The API server accepts no object over 3 MiB, and the
// review of an update has two.
const maxBody = 7 << 20

// Config holds the dependencies of a handler. Log may be its zero value. All others are required.
type Config struct {
	Policies   Policies
	Namespaces NamespaceData
	Revisions  Revisions
	// Denials writes the Events of denials. Its Run must be running.
	Denials *EventQueue
	// FailurePolicy is the failure policy of the webhook configurations. It decides requests that not
	// every policy could evaluate.
	FailurePolicy admissionregistrationv1.FailurePolicyType
	// Username is Reprise's own user name at the API server. Its rollbacks are exempt from policies.
	Username string
	// Observer counts the responses.
	Observer Observer
	// Defaults returns the install's current settings of workloads.
	Defaults func() workload.Settings
	Now      func() time.Time
	Log      logr.Logger
}

// Handler answers the reviews of one phase. It answers a request that it cannot read with HTTP 500,
// so that the API server applies the configured failure policy. A response with "allowed: false"
// and code 500 would deny regardless of that policy
// (k8s.io/apiserver/pkg/admission/plugin/webhook).
type Handler struct {
	Config
	phase policy.Phase
}

// NewHandler returns the handler of a phase. It fails if the configuration is incomplete.
func NewHandler(phase policy.Phase, c Config) (*Handler, error) {
	if c.Policies == nil || c.Namespaces == nil || c.Revisions == nil || c.Denials == nil || c.Observer == nil || c.Defaults == nil || c.Now == nil {
		return nil, errors.New("configuring the webhook: policies, namespaces, revisions, denials, the observer, defaults and the clock are required")
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
			http.Error(w, "reprise: the review failed by an internal error, see the log of Reprise", http.StatusInternalServerError)
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
	// A review that has arrived is answered within the API server's timeout, even while this process
	// shuts down.
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

// rejectMalformed answers a request that cannot be read.
func (h *Handler) rejectMalformed(w http.ResponseWriter, err error) {
	h.Log.Error(err, "Answering an admission review with HTTP 500")
	http.Error(w, "reprise: "+err.Error(), http.StatusInternalServerError)
}

func (h *Handler) write(w http.ResponseWriter, response *admissionv1.AdmissionResponse) {
	encoded, err := encodeReview(response)
	if err != nil {
		h.rejectMalformed(w, fmt.Errorf("encoding the answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(encoded); err != nil {
		h.Log.Error(err, "Writing the answer to an admission review")
	}
}

// encodeReview returns the body of an answer.
func encodeReview(response *admissionv1.AdmissionResponse) ([]byte, error) {
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Response: response,
	})
}
