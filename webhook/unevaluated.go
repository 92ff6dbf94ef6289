package webhook

import (
	"errors"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/internal/fairqueue"
)

// The reasons of a denial without an evaluation, as they appear in metrics.
const (
	deniedTooLarge  = "too-large"
	deniedBusy      = "busy"
	deniedMalformed = "malformed"
	deniedPanic     = "panic"
)

// unevaluated is why a review is denied without an evaluation. It holds under every failure policy:
// the sender of an object must not be able to choose that it is not evaluated.
type unevaluated struct {
	reason  string
	message string
	// retry tells clients to try again in a second.
	retry bool
}

// Error returns the sentence for the deployer.
func (u *unevaluated) Error() string { return u.message }

// response denies the review of that uid. Clients of the API server try again by themselves after a
// 429 that says when (k8s.io/client-go/rest).
func (u *unevaluated) response(uid types.UID) *admissionv1.AdmissionResponse {
	status := &metav1.Status{
		Status: metav1.StatusFailure, Message: u.message, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden,
	}
	if u.retry {
		status.Reason, status.Code = metav1.StatusReasonTooManyRequests, http.StatusTooManyRequests
		status.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	}
	return &admissionv1.AdmissionResponse{UID: uid, Result: status}
}

func tooLarge(size int64) *unevaluated {
	return &unevaluated{reason: deniedTooLarge, message: fmt.Sprintf(
		"the change is too large to be checked: its admission review has %s, and the limit is %s; make its annotations, environment variables or arguments smaller",
		megabytes(size), megabytes(maxReview))}
}

func busy(err error) *unevaluated {
	who := "too many changes wait to be checked"
	if errors.Is(err, fairqueue.ErrNamespaceBusy) {
		who = "too many changes of this namespace wait to be checked"
	}
	return &unevaluated{reason: deniedBusy, message: who + "; apply it again in a few seconds", retry: true}
}

func malformed(err error) *unevaluated {
	return &unevaluated{reason: deniedMalformed, message: "the change cannot be checked: " + err.Error()}
}

func megabytes(size int64) string {
	if size < 0 {
		return fmt.Sprintf("more than %.1f MB", float64(maxReview)/1e6)
	}
	return fmt.Sprintf("%.1f MB", float64(size)/1e6)
}
