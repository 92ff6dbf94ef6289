package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/oneline"
	"reprise.dev/reprise/policy"
)

// The keys of the audit annotations. The API server puts the webhook's name before them.
const (
	auditDecision  = "decision"
	auditSkipped   = "skipped"
	auditUnchecked = "unchecked"
	auditDryRun    = "dryrun"
)

// maxChanged is how many bytes of a denial describe the change.
const maxChanged = 256

// findings is all that a response reports.
type findings struct {
	// denials are one line each. The request is denied if there are any.
	denials []string
	causes  []metav1.StatusCause
	// warnings are shown to the deployer in either case.
	warnings []string
	// unchecked is why not every policy could be evaluated.
	unchecked string
	// violations are the denials for programs, or the evaluation errors.
	violations []v1alpha1.Violation
	// quarantine is the revision as which the template failed before; 0 if it is not quarantined.
	quarantine int64
	// dryRun lists violations of rules with the enforcement dryrun, for the log and the audit log
	// only.
	dryRun []string
	// notice precedes the denials; empty where they need none.
	notice string
}

// verdictFindings applies the failure policy to a verdict. An evaluation error is no consent: here
// alone it becomes a denial or a warning. A policy that is out of time always denies, because the
// sender of an object decides how much there is to evaluate.
func verdictFindings(v policy.Verdict, failurePolicy admissionregistrationv1.FailurePolicyType) findings {
	var f findings
	for _, violation := range v.Violations {
		f.denials = append(f.denials, violation.Line())
		f.causes = append(f.causes, metav1.StatusCause{
			Type:    metav1.CauseTypeForbidden,
			Message: violation.Line(),
			Field:   violation.Path,
		})
		f.violations = append(f.violations, v1alpha1.Violation{Policy: violation.Rule, Field: violation.Field, Message: violation.Message, Fix: violation.Fix})
	}
	for _, warning := range v.Warnings {
		f.warnings = append(f.warnings, warning.Line())
	}
	for _, exempted := range v.Exempted {
		f.warnings = append(f.warnings, exempted.Line())
	}
	for _, violation := range v.DryRun {
		f.dryRun = append(f.dryRun, violation.Rule+": "+violation.Line())
	}
	var failures []string
	for _, failure := range v.Errors {
		failures = append(failures, failure.Line())
	}
	f.unchecked = strings.Join(failures, "; ")
	if len(failures) == 0 || len(v.Violations) > 0 {
		return f
	}
	for _, failure := range v.Errors {
		f.violations = append(f.violations, v1alpha1.Violation{Policy: failure.Rule, Message: failure.Reason})
	}
	if late := timedOut(v.Errors); len(late) > 0 {
		f.denials = late
		f.notice = "the policies could not be checked in time"
		return f
	}
	if failurePolicy == admissionregistrationv1.Ignore {
		f.warnings = append([]string{"admitted without being fully checked: " + f.unchecked}, f.warnings...)
		return f
	}
	f.denials = failures
	f.notice = "the policies could not be evaluated, and the failure policy is Fail"
	return f
}

// timedOut returns a line for each policy that is out of time.
func timedOut(errors []policy.RuleError) []string {
	var lines []string
	for _, failure := range errors {
		if failure.Kind == policy.TimedOut {
			lines = append(lines, failure.Line())
		}
	}
	return lines
}

// findings returns the denial of a quarantined template.
func (q *Quarantine) findings(line string) findings {
	return findings{
		denials:    []string{line},
		causes:     []metav1.StatusCause{{Type: metav1.CauseTypeForbidden, Message: line, Field: "spec.template"}},
		quarantine: q.Revision,
		violations: []v1alpha1.Violation{{Message: q.Error}},
	}
}

// reason returns the reason of the denial's Event.
func (f findings) reason() v1alpha1.EventReason {
	if f.quarantine != 0 {
		return v1alpha1.EventTemplateQuarantined
	}
	return v1alpha1.EventAdmissionDenied
}

// line returns the denial for a developer: the earlier error, the denied change, and how to retry.
func (q *Quarantine) line(r *review) string {
	return fmt.Sprintf("this pod template failed as revision %d: %s%s. Change it, wait until %s, or retry: kubectl annotate deployment/%s -n %s --overwrite %s=%d",
		q.Revision, oneline.Of(q.Error), r.changed(), q.Until.UTC().Format(time.RFC3339),
		r.workload().Name, r.namespace, v1alpha1.RetryAnnotation, q.Revision)
}

// changed returns a clause that summarizes the change; empty where there is nothing to compare.
func (r *review) changed() string {
	if r.old == nil {
		return ""
	}
	changes, err := r.intents.changes()
	if err != nil {
		return "" // The denial is complete without it.
	}
	return "; it changes " + changes.Short(maxChanged)
}

// allowed returns the response to a request that is not evaluated, with the reason for the audit
// log.
func allowed(reason string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{
		Allowed:          true,
		AuditAnnotations: map[string]string{auditSkipped: reason},
	}
}

// response returns the response of findings. runs names the revision that runs after a denial; it
// may be empty.
//
// A denial is 403 Forbidden and not 422 Invalid: of an Invalid status kubectl prints only the
// causes and drops the message (k8s.io/kubectl/pkg/cmd/util/helpers.go), which names the denier,
// the next step and the running revision. The message is one line, since kubectl prints the entire
// patch before it.
func (f findings) response(runs string) *admissionv1.AdmissionResponse {
	audit := map[string]string{auditDecision: policy.Allow.String()}
	if f.unchecked != "" {
		audit[auditUnchecked] = f.unchecked
	}
	if len(f.dryRun) > 0 {
		audit[auditDryRun] = strings.Join(f.dryRun, "; ")
	}
	response := &admissionv1.AdmissionResponse{
		Allowed:          len(f.denials) == 0,
		Warnings:         limitWarnings(f.warnings),
		AuditAnnotations: audit,
	}
	if response.Allowed {
		return response
	}
	audit[auditDecision] = policy.Deny.String()
	response.Result = &metav1.Status{
		Status:  metav1.StatusFailure,
		Message: f.message(runs),
		Reason:  metav1.StatusReasonForbidden,
		Code:    http.StatusForbidden,
		Details: &metav1.StatusDetails{Group: "apps", Kind: "Deployment", Causes: f.causes},
	}
	return response
}

// message returns the one line of a denial.
func (f findings) message(runs string) string {
	message := f.denials[0]
	if len(f.denials) > 1 {
		var numbered []string
		for i, denial := range f.denials {
			numbered = append(numbered, fmt.Sprintf("(%d) %s", i+1, denial))
		}
		message = fmt.Sprintf("%d reasons: %s", len(f.denials), strings.Join(numbered, "; "))
	}
	if f.notice != "" {
		message = f.notice + ": " + message
	}
	if runs != "" {
		message += "; " + runs
	}
	return message
}

// The decisions on a write.
const (
	decisionAllowed     = "allowed"
	decisionWarned      = "warned"
	decisionDenied      = "denied"
	decisionQuarantined = "quarantined"
	decisionUnchecked   = "unchecked"
	// decisionSkipped is the decision on requests that no policy evaluates. It is logged and not
	// counted.
	decisionSkipped = "skipped"
)

// decision returns the decision that findings lead to.
func (f findings) decision() string {
	switch {
	case f.quarantine != 0:
		return decisionQuarantined
	case len(f.denials) > 0:
		return decisionDenied
	case f.unchecked != "":
		return decisionUnchecked
	case len(f.warnings) > 0:
		return decisionWarned
	default:
		return decisionAllowed
	}
}
