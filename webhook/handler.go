// Package webhook answers the API server's admission reviews of Deployments in both phases: an
// early check in the mutating phase, which never mutates, and the final one in the validating
// phase.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// The paths under which the two handlers are registered.
const (
	EarlyPath    = "/admission/early"
	ValidatePath = "/admission/validate"
)

// Config holds the dependencies of a handler. Log may be its zero value. All others are required.
type Config struct {
	Policies   Policies
	Namespaces NamespaceData
	Revisions  Revisions
	// Denials writes the Events of denials. Its Run must be running.
	Denials *EventQueue
	// FailurePolicy is the failure policy of the webhook configurations. It decides requests that
	// not every policy could evaluate.
	FailurePolicy admissionregistrationv1.FailurePolicyType
	// Username is Reprise's own user name at the API server. Its rollbacks are exempt from
	// policies.
	Username string
	// Observer counts the responses.
	Observer Observer
	// Defaults returns the install's current settings of workloads.
	Defaults func() workload.Settings
	// Intake reads the reviews. All handlers of a process share one.
	Intake *Intake
	Now    func() time.Time
	Log    logr.Logger
}

// Handler answers the reviews of one phase. A review that cannot be evaluated because of what it
// holds is denied under every failure policy. The failure policy decides only where a policy itself
// fails or its data is missing.
type Handler struct {
	Config
	phase policy.Phase
}

// NewHandler returns the handler of a phase. It fails if the configuration is incomplete.
func NewHandler(phase policy.Phase, c Config) (*Handler, error) {
	if c.Policies == nil || c.Namespaces == nil || c.Revisions == nil || c.Denials == nil || c.Observer == nil || c.Defaults == nil || c.Intake == nil || c.Now == nil {
		return nil, errors.New("configuring the webhook: policies, namespaces, revisions, denials, the observer, defaults, the intake and the clock are required")
	}
	if c.FailurePolicy != admissionregistrationv1.Fail && c.FailurePolicy != admissionregistrationv1.Ignore {
		return nil, fmt.Errorf("configuring the webhook: failure policy %q is neither Fail nor Ignore", c.FailurePolicy)
	}
	return &Handler{Config: c, phase: phase}, nil
}

// ServeHTTP answers one review.
func (h *Handler) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	arrived := h.Now()
	h.Intake.serve(w, request, func(ctx context.Context, body []byte) (*admissionv1.AdmissionResponse, error) {
		review, err := decodeReview(body)
		if err != nil {
			return nil, err
		}
		answer := h.answer(ctx, review)
		answer.response.UID = review.uid
		h.observe(review, answer, h.Now().Sub(arrived))
		if answer.denial != nil {
			answer.denial.size = len(body)
			h.Denials.add(*answer.denial)
		}
		return answer.response, nil
	})
}
