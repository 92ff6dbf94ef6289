package effective

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"reprise.dev/reprise/internal/quantity"
)

// checkQuotas checks every ResourceQuota that applies to the pod, by its status: a quota that its
// controller has not counted yet has no effect, or rejects everything
// (k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go, CheckRequest;
// pkg/quota/v1/evaluator/core/pods.go).
func (d *podBuilder) checkQuotas() {
	if d.markUnknown(KindResourceQuota) || len(d.ns.ResourceQuotas) == 0 {
		return
	}
	usage := podUsage(d.pod)
	for _, quota := range d.ns.ResourceQuotas {
		counted := countedForPods(quota.Status.Hard)
		if len(counted) == 0 || !d.inScope(quota) {
			continue
		}
		d.checkDemanded(quota.Name, counted)
		if missing := uncounted(quota, counted); len(missing) > 0 {
			d.reportUncounted(quota.Name, missing)
			continue
		}
		d.checkExceeded(quota, usage)
	}
}

// checkDemanded demands that every container states what a cpu or memory quota
// counts. Pod-level resources lift the demand.
func (d *podBuilder) checkDemanded(quota string, counted []corev1.ResourceName) {
	if helper.IsPodLevelResourcesSet(d.pod) {
		return
	}
	for _, name := range counted {
		list, stated := demand(name)
		if list == "" {
			continue
		}
		for at, c := range containers(&d.pod.Spec) {
			of := c.Resources.Requests
			if list == "limits" {
				of = c.Resources.Limits
			}
			if _, ok := of[stated]; ok {
				continue
			}
			d.report(Violation{
				Rule: RuleQuotaDemand, Field: at.path() + ".resources." + list, Container: at.container, Resource: name,
				Cause:   Cause{Kind: KindResourceQuota, Name: quota},
				Message: fmt.Sprintf("ResourceQuota %s counts %s, so every container must state it; %s does not", quota, name, at),
				Fix:     fmt.Sprintf("set resources.%s.%s", list, stated),
				Exact:   !d.unsettled,
			})
		}
	}
}

// checkExceeded checks that the pod fits into what is left of the quota.
func (d *podBuilder) checkExceeded(quota *corev1.ResourceQuota, usage corev1.ResourceList) {
	for _, name := range slices.Sorted(maps.Keys(quota.Status.Hard)) {
		hard, used := quota.Status.Hard[name], quota.Status.Used[name]
		wanted, uses := usage[name]
		if !uses || wanted.IsZero() {
			continue
		}
		total := used.DeepCopy()
		total.Add(wanted)
		if quantity.Compare(total, hard) > 0 {
			d.reportExceeded(quota.Name, name, wanted, used, hard)
		}
	}
}

func (d *podBuilder) reportExceeded(quota string, name corev1.ResourceName, wanted, used, hard resource.Quantity) {
	o := Violation{
		Rule: RuleQuotaExceeded, Resource: name, Requested: wanted.String(), Allowed: hard.String(),
		Cause: Cause{Kind: KindResourceQuota, Name: quota},
		Message: fmt.Sprintf("ResourceQuota %s has no room for one more pod: %s %s of %s are used, the pod needs %s",
			quota, used.String(), name, hard.String(), wanted.String()),
		Fix:       fmt.Sprintf("lower what the pod needs of %s, free some of the quota, or raise it", name),
		Exact:     !d.unsettled,
		Transient: quantity.Compare(wanted, hard) <= 0,
	}
	if !o.Transient {
		o.Message = fmt.Sprintf("ResourceQuota %s allows %s %s in all, the pod alone needs %s", quota, hard.String(), name, wanted.String())
		o.Fix = fmt.Sprintf("lower what the pod needs of %s to %s, or raise the quota", name, hard.String())
	}
	d.report(o)
}

// uncounted returns what a quota counts for pods but has no usage of yet.
func uncounted(quota *corev1.ResourceQuota, counted []corev1.ResourceName) []string {
	var missing []string
	for _, name := range counted {
		if _, ok := quota.Status.Used[name]; !ok {
			missing = append(missing, string(name))
		}
	}
	return missing
}

func (d *podBuilder) reportUncounted(quota string, missing []string) {
	d.report(Violation{
		Rule: RuleQuotaUncounted, Cause: Cause{Kind: KindResourceQuota, Name: quota},
		Message:   fmt.Sprintf("ResourceQuota %s has not counted its usage yet: %s", quota, strings.Join(missing, ", ")),
		Fix:       "try again in a few seconds",
		Exact:     !d.unsettled,
		Transient: true,
	})
}
