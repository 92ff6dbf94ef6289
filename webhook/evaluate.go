package webhook

import (
	"context"
	"maps"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"
	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// answer evaluates a review.
func (h *Handler) answer(ctx context.Context, r *review) outcome {
	if reason := h.skipReason(r); reason != "" {
		return h.skip(ctx, r, reason)
	}
	if h.Username != "" && r.user == h.Username {
		return h.answerOwnWrite(ctx, r)
	}
	settings, problems := workload.SettingsOf(r.object, h.Namespaces.Annotations(ctx, r.namespace), h.Defaults())
	quarantine := h.quarantined(ctx, r, settings)
	if quarantine != nil && !r.dryRun {
		return h.finish(ctx, r, quarantine.findings(quarantine.line(r)))
	}
	verdict := h.evaluate(ctx, r)
	found := verdictFindings(verdict, h.FailurePolicy)
	if h.phase == policy.Final {
		found.warnings = append(found.warnings, problems...)
	}
	if quarantine != nil {
		// GitOps tools dry-run a set of objects first, and apply none of it if one is denied.
		found.warnings = append(found.warnings, quarantine.line(r))
	}
	answer := h.finish(ctx, r, found)
	answer.verdict = verdict
	return answer
}

func (h *Handler) evaluate(ctx context.Context, r *review) policy.Verdict {
	in := h.input(ctx, r)
	begun := h.Now()
	verdict := h.Policies.Evaluate(ctx, in)
	h.Observer.Evaluated(h.phase.String(), h.Now().Sub(begun))
	return verdict
}

// intentUnchanged is the reason to admit an update that rolls nothing out, such as a change of
// replicas: a workload that violates a newer policy must still be scaled, and its rollout must go
// on.
const intentUnchanged = "intent-unchanged"

// skipReason returns why a request is admitted without evaluation; empty if it is evaluated.
func (h *Handler) skipReason(r *review) string {
	switch {
	case !r.writes():
		return "not-a-write"
	case !workload.IsManaged(r.object) && !workload.IsManaged(r.old):
		return "not-a-workload"
	case workload.IsManaged(r.old) && r.intents.oldHash() == r.intents.objectHash():
		return intentUnchanged
	default:
		return ""
	}
}

// skip admits a request without evaluation. It warns if the request sets an invalid setting: that
// changes no intent.
func (h *Handler) skip(ctx context.Context, r *review, reason string) outcome {
	a := skipped(reason)
	if reason == intentUnchanged && h.phase == policy.Final && !maps.Equal(r.old.Annotations, r.object.Annotations) {
		_, problems := workload.SettingsOf(r.object, h.Namespaces.Annotations(ctx, r.namespace), h.Defaults())
		a.response.Warnings = limitWarnings(problems)
	}
	return a
}

// answerOwnWrite answers Reprise's own writes. A rollback to a recorded revision is exempt from
// policies, and any other write is denied. Otherwise an attacker with its account could deploy
// without them.
func (h *Handler) answerOwnWrite(ctx context.Context, r *review) outcome {
	recorded, err := h.Revisions.Recorded(ctx, r.workload(), r.intents.object(), r.intents.objectHash())
	if err != nil {
		h.Log.Error(err, "Looking for the revision that a rollback restores", "namespace", r.namespace, "workload", r.label())
	}
	if err == nil && recorded && r.old != nil {
		return skipped("rollback")
	}
	return h.finish(ctx, r, findings{denials: []string{"Reprise's own account may only restore recorded revisions of this workload"}})
}

// quarantined returns the active quarantine of the pod template, or nil. If the lookup fails, the
// template is admitted, since a failed rollout is rolled back anyway. The early phase leaves the
// check to the final one.
func (h *Handler) quarantined(ctx context.Context, r *review, settings workload.Settings) *Quarantine {
	if h.phase == policy.Early || !settings.Quarantine || r.old == nil { // A new Deployment has not failed.
		return nil
	}
	quarantine, err := h.Revisions.Quarantined(ctx, r.workload(), r.old.UID, &r.object.Spec.Template, h.Now())
	if err != nil {
		h.Log.Error(err, "Looking for a quarantine", "namespace", r.namespace, "workload", r.label())
		return nil
	}
	if quarantine != nil && workload.TemplateHash(&r.old.Spec.Template) == workload.TemplateHash(&r.object.Spec.Template) {
		return nil // The template is live already, so no new pods start.
	}
	if quarantine != nil && r.object.Annotations[v1alpha1.RetryAnnotation] == strconv.FormatInt(quarantine.Revision, 10) {
		return nil
	}
	return quarantine
}

func (h *Handler) input(ctx context.Context, r *review) policy.Input {
	in := policy.Input{Phase: h.phase, Request: r.decoded, Objects: r.objects, Now: h.Now()}
	if h.phase == policy.Early {
		in.Effective.Violations = effective.OutOfRange(&r.object.Spec.Template)
	} else {
		namespace := h.Namespaces.For(ctx, r.namespace)
		in.Effective, in.NamespaceLabels = effective.Compute(&r.object.Spec.Template, namespace), namespace.Labels
	}
	return in
}

// finish returns a response of findings, and the Event of a denial.
func (h *Handler) finish(ctx context.Context, r *review, f findings) outcome {
	a := outcome{decision: f.decision(), dryRun: f.dryRun}
	if len(f.denials) == 0 {
		a.response, a.denial = f.response(""), h.unchecked(r, f)
		return a
	}
	a.response = f.response(h.runningRevision(ctx, r))
	if r.dryRun || r.old == nil {
		return a
	}
	a.denial = &denial{
		reason:     f.reason(),
		old:        r.old,
		intents:    r.intents,
		message:    a.response.Result.Message,
		violations: f.violations,
		failed:     f.quarantine,
		at:         h.Now(),
	}
	return a
}

// runningRevision returns a clause about the revision that runs after a denial; empty if none is
// known.
func (h *Handler) runningRevision(ctx context.Context, r *review) string {
	if r.old == nil {
		return ""
	}
	healthy, err := h.Revisions.LastHealthy(ctx, r.workload())
	if err != nil {
		h.Log.Error(err, "Looking for the last healthy revision", "namespace", r.namespace, "workload", r.label())
		return ""
	}
	if healthy == nil {
		return ""
	}
	number := strconv.FormatInt(healthy.Number, 10)
	if r.intents.oldHash() == healthy.IntentHash {
		return "revision " + number + " keeps running"
	}
	return "revision " + number + " is the last healthy one"
}

// outcome is the response to a review, with what the log, the metrics and Events need.
type outcome struct {
	response *admissionv1.AdmissionResponse
	// denial is the Event to write; nil if there is none.
	denial   *denial
	decision string
	// reason is why no policy was evaluated, for decisionSkipped.
	reason  string
	verdict policy.Verdict
	// dryRun lists the violations of rules with the enforcement dryrun.
	dryRun []string
}

// skipped returns the response to a request that no policy evaluates.
func skipped(reason string) outcome {
	return outcome{response: allowed(reason), decision: decisionSkipped, reason: reason}
}

// isFinal reports whether a response decides. A request that passes the early phase is evaluated
// again.
func (h *Handler) isFinal(a outcome) bool {
	return h.phase == policy.Final || !a.response.Allowed
}
