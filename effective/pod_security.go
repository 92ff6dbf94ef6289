package effective

import (
	"fmt"
	"sync"

	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// podSecurity is upstream's own evaluator with upstream's own checks. It holds
// no state.
var podSecurity = sync.OnceValues(func() (policy.Evaluator, error) {
	return policy.NewEvaluator(policy.DefaultChecks(), nil)
})

// checkPodSecurity applies the level that the namespace's labels enforce
// (k8s.io/pod-security-admission/admission/admission.go, EvaluatePod). Defaults
// and exemptions in the API server's own configuration are not known to anyone
// outside and not claimed.
func (d *podBuilder) checkPodSecurity() {
	if d.markUnknown(KindNamespace) {
		return
	}
	privileged := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
	// Labels that do not parse count as restricted, as in the API server.
	wanted, _ := api.PolicyToEvaluate(d.ns.Labels, api.Policy{Enforce: privileged, Audit: privileged, Warn: privileged})
	if wanted.Enforce.Level == api.LevelPrivileged {
		return
	}
	evaluator, err := podSecurity()
	if err != nil {
		d.unknown = append(d.unknown, Unknown{Kind: KindNamespace, Reason: fmt.Sprintf("building the PodSecurity checks: %v", err)})
		return
	}
	for _, check := range evaluator.EvaluatePod(wanted.Enforce, &d.pod.ObjectMeta, &d.pod.Spec) {
		if check.Allowed {
			continue
		}
		detail := check.ForbiddenReason
		if check.ForbiddenDetail != "" {
			detail += " (" + check.ForbiddenDetail + ")"
		}
		d.report(Violation{
			Rule:      RulePodSecurity,
			Requested: check.ForbiddenReason,
			Allowed:   wanted.Enforce.String(),
			Cause:     Cause{Kind: KindNamespace, Name: d.ns.Name},
			Message:   fmt.Sprintf("Namespace %s enforces PodSecurity %s: %s", d.ns.Name, wanted.Enforce, detail),
			Fix:       "change the security settings named in parentheses, in the pod template",
			Exact:     true,
		})
	}
}
