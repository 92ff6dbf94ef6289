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

// The reasons of a rejection, as they appear in metrics.
const (
	rejectedTooLarge  = "too-large"
	rejectedBusy      = "busy"
	rejectedMalformed = "malformed"
	rejectedPanic     = "panic"
)

// rejection is why a review is denied without an evaluation. It holds under every failure policy:
// the sender of an object must not be able to choose that it is not evaluated.
type rejection struct {
	reason  string
	message string
	// retry tells clients to try again in a second.
	retry bool
}

// Error returns the sentence for the deployer.
func (r *rejection) Error() string { return r.message }

// response denies the review of that uid. Clients of the API server try again by themselves after a
// 429 that says when (k8s.io/client-go/rest).
func (r *rejection) response(uid types.UID) *admissionv1.AdmissionResponse {
	status := &metav1.Status{
		Status: metav1.StatusFailure, Message: r.message, Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden,
	}
	if r.retry {
		status.Reason, status.Code = metav1.StatusReasonTooManyRequests, http.StatusTooManyRequests
		status.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	}
	return &admissionv1.AdmissionResponse{UID: uid, Result: status}
}

func tooLarge(size int64) *rejection {
	return &rejection{reason: rejectedTooLarge, message: fmt.Sprintf(
		"the change is too large to be checked: its admission review has %s, and the limit is %s; make its annotations, environment variables or arguments smaller",
		megabytes(size), megabytes(maxReview))}
}

func busy(err error) *rejection {
	who := "too many changes wait to be checked"
	if errors.Is(err, fairqueue.ErrNamespaceBusy) {
		who = "too many changes of this namespace wait to be checked"
	}
	return &rejection{reason: rejectedBusy, message: who + "; apply it again in a few seconds", retry: true}
}

func malformed(err error) *rejection {
	return &rejection{reason: rejectedMalformed, message: "the change cannot be checked: " + err.Error()}
}

func megabytes(size int64) string {
	if size < 0 {
		return fmt.Sprintf("more than %.1f MB", float64(maxReview)/1e6)
	}
	return fmt.Sprintf("%.1f MB", float64(size)/1e6)
}
