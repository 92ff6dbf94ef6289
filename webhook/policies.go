package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/policy"
)

// PolicyPath is the path of the check of ConfigMaps that hold policies.
const PolicyPath = "/admission/policy"

// PolicyChecker checks a ConfigMap's policies together with the active ones. It returns a line for
// each part of them that has no effect. An error names file and line.
type PolicyChecker interface {
	Check(ctx context.Context, configMap *corev1.ConfigMap) (warnings []string, err error)
}

// PolicyHandler denies ConfigMaps whose policies do not compile. It denies what it cannot read, as
// Handler does.
type PolicyHandler struct {
	Checker PolicyChecker
	Intake  *Intake
}

// ServeHTTP answers one review.
func (h *PolicyHandler) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	h.Intake.serve(w, request, h.answer)
}

func (h *PolicyHandler) answer(ctx context.Context, body []byte) (*admissionv1.AdmissionResponse, error) {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		return nil, fmt.Errorf("decoding the AdmissionReview: %w", err)
	}
	if review.Request == nil || review.Request.UID == "" {
		return nil, errors.New("reading the AdmissionReview: it holds no request with a uid")
	}
	response := &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	configMap := &corev1.ConfigMap{}
	if len(review.Request.Object.Raw) == 0 {
		return response, nil // A deletion has no object.
	}
	if err := json.Unmarshal(review.Request.Object.Raw, configMap); err != nil {
		return nil, fmt.Errorf("decoding request.object as a ConfigMap: %w", err)
	}
	if configMap.Labels[policy.Label] != policy.LabelValue {
		return response, nil
	}
	warnings, err := h.Checker.Check(ctx, configMap)
	response.Warnings = limitWarnings(warnings)
	if err != nil {
		response.Allowed = false
		response.Result = &metav1.Status{
			Status: metav1.StatusFailure, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden,
			Message: fmt.Sprintf("policies in ConfigMap %s cannot be used: %v", configMap.Name, err),
		}
	}
	return response, nil
}
