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
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// The keys of the audit annotations. The API server puts the webhook's name before them.
const (
	auditDecision  = "decision"
	auditSkipped   = "unjudged"
	auditUnchecked = "unchecked"
	auditDryRun    = "dryrun"
)

// maxChanged is how many bytes of a denial the change may take.
const maxChanged = 256

// findings is what a review comes to, whoever found it: everything that the
// response says is in here.
type findings struct {
	// denials are one line each; the request is denied if there are any.
	denials []string
	causes  []metav1.StatusCause
	// warnings are shown to the deployer in either case.
	warnings []string
	// unchecked is why not everything could be judged.
	unchecked string
	// violations are the same for programs, or what could not be judged.
	violations []v1alpha1.Violation
	// quarantine is the revision as which it failed before, 0 where it is not denied for that.
	quarantine int64
	// dryRun is what rules on trial object to: for the log and the audit log only.
	dryRun []string
	// notice comes before the denials; empty where they speak for themselves.
	notice string
}

// verdictFindings applies the failure policy to a verdict: what could not be
// judged is no consent, and becomes a denial or a warning here and nowhere else.
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
	for _, trial := range v.DryRun {
		f.dryRun = append(f.dryRun, trial.Rule+": "+trial.Line())
	}
	var unjudged []string
	for _, failure := range v.Errors {
		unjudged = append(unjudged, failure.Line())
	}
	f.unchecked = strings.Join(unjudged, "; ")
	if len(unjudged) == 0 || len(v.Violations) > 0 {
		return f
	}
	for _, failure := range v.Errors {
		f.violations = append(f.violations, v1alpha1.Violation{Policy: failure.Rule, Message: failure.Reason})
	}
	if failurePolicy == admissionregistrationv1.Ignore {
		f.warnings = append([]string{"admitted without being fully checked: " + f.unchecked}, f.warnings...)
		return f
	}
	f.denials = unjudged
	f.notice = "the policies could not be checked, and the failure policy is Fail"
	return f
}

// findings deny what failed before.
func (q *Quarantine) findings(line string) findings {
	return findings{
		denials:    []string{line},
		causes:     []metav1.StatusCause{{Type: metav1.CauseTypeForbidden, Message: line, Field: "spec.template"}},
		quarantine: q.Revision,
		violations: []v1alpha1.Violation{{Message: q.Error}},
	}
}

// reason is that of the event which tells of a denial.
func (f findings) reason() v1alpha1.EventReason {
	if f.quarantine != 0 {
		return v1alpha1.EventTemplateQuarantined
	}
	return v1alpha1.EventAdmissionDenied
}

// line is the quarantine as a developer reads it: the old error, what the denied change is, and
// how to retry.
func (q *Quarantine) line(r *review) string {
	return fmt.Sprintf("this pod template failed as revision %d: %s%s; change it, wait until %s, or try it again: kubectl annotate deployment/%s -n %s --overwrite %s=%d",
		q.Revision, strings.Join(strings.Fields(q.Error), " "), r.changed(), q.Until.UTC().Format(time.RFC3339),
		r.workload().Name, r.namespace, v1alpha1.RetryAnnotation, q.Revision)
}

// changed is the change in short, to stand in a sentence; empty where there is nothing to compare.
func (r *review) changed() string {
	if r.old == nil {
		return ""
	}
	changes, err := diff.Intents(workload.IntentOf(r.old), workload.IntentOf(r.object))
	if err != nil {
		return "" // The denial stands without it.
	}
	return "; it changes " + changes.Short(maxChanged)
}

// allowed is the answer to what is not judged, with the reason for the audit log.
func allowed(reason string) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{
		Allowed:          true,
		AuditAnnotations: map[string]string{auditSkipped: reason},
	}
}

// response is the one place where findings become an answer. runs says which
// revision a denial leaves running; it may be empty.
//
// A denial is 403 Forbidden and not 422 Invalid: kubectl prints only the causes
// of an Invalid status and drops its message (k8s.io/kubectl/pkg/cmd/util/helpers.go),
// and with it who denied, what to do and what goes on running. The message is
// one line, since kubectl prints the whole patch before it.
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

// message is the one line of a denial.
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
