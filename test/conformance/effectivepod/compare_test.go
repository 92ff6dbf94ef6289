package effectivepod

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/inf.v0"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"

	"reprise.dev/reprise/effective"
)

// compare returns how the API server's answer differs from what was told of it:
// the verdict, then the reasons of a rejection, then the values of what is stored,
// to the letter if forms is true: of two LimitRanges that supply one amount in two
// forms the API server takes either.
func compare(told effective.Result, stored *corev1.Pod, answer error, forms bool) error {
	exact := slices.DeleteFunc(slices.Clone(told.Violations), func(o effective.Violation) bool { return !o.Exact })
	switch {
	case answer != nil && !apierrors.IsInvalid(answer) && !apierrors.IsForbidden(answer):
		return fmt.Errorf("the API server failed: %w", answer)
	case len(told.Unknown) > 0 && (answer != nil || len(exact) == 0):
		return nil
	case answer == nil && len(exact) > 0:
		return fmt.Errorf("accepted, but told: %s", messages(exact))
	case answer != nil && len(exact) == 0:
		return fmt.Errorf("rejected, but told nothing: %w", answer)
	case answer != nil:
		return compareReasons(exact, answer)
	}
	if diff := cmp.Diff(claims(told.Pod, forms), claims(stored, forms)); diff != "" {
		return fmt.Errorf("stored pod (-told +stored):\n%s", diff)
	}
	return nil
}

func messages(violations []effective.Violation) string {
	var lines []string
	for _, o := range violations {
		lines = append(lines, fmt.Sprintf("[%s] %s %s", o.Rule, o.Field, o.Message))
	}
	return strings.Join(lines, "\n")
}

// claims is what the effective pod claims to know of the stored one.
func claims(pod *corev1.Pod, forms bool) map[string]any {
	spec := &pod.Spec
	texts := func(list corev1.ResourceList) map[corev1.ResourceName]string { return texts(list, forms) }
	values := map[string]any{
		"serviceAccountName": spec.ServiceAccountName, "imagePullSecrets": spec.ImagePullSecrets,
		"priorityClassName": spec.PriorityClassName, "priority": spec.Priority, "preemptionPolicy": spec.PreemptionPolicy,
		"overhead": texts(spec.Overhead), "nodeSelector": spec.NodeSelector,
		"enableServiceLinks": spec.EnableServiceLinks, "terminationGracePeriodSeconds": nonNegative(spec.TerminationGracePeriodSeconds),
	}
	if spec.Resources != nil {
		values["requests"], values["limits"] = texts(spec.Resources.Requests), texts(spec.Resources.Limits)
	}
	for _, c := range slices.Concat(spec.Containers, spec.InitContainers) {
		values[c.Name+".requests"], values[c.Name+".limits"] = texts(c.Resources.Requests), texts(c.Resources.Limits)
		for _, p := range c.Ports {
			values[fmt.Sprintf("%s.ports[%d]", c.Name, p.ContainerPort)] = p.HostPort
		}
	}
	return values
}

// nonNegative leaves out the default grace period, which templates get when they
// are stored and a template that was never stored has not.
func nonNegative(seconds *int64) int64 {
	if seconds == nil {
		return corev1.DefaultTerminationGracePeriodSeconds
	}
	return *seconds
}

// texts are quantities in the form in which they are stored, or else as plain decimals.
func texts(list corev1.ResourceList, forms bool) map[corev1.ResourceName]string {
	result := map[corev1.ResourceName]string{}
	for name, q := range list {
		sent := resource.MustParse(q.String()) // as the client reads it
		result[name] = sent.String()
		if !forms {
			result[name] = q.AsDec().Round(q.AsDec(), 3, inf.RoundUp).String() // thousandths are the finest
		}
	}
	return result
}

// compareReasons compares the reasons that the API server gives with those told.
// It stops at the first stage that refuses, so those of that stage are compared.
func compareReasons(told []effective.Violation, answer error) error {
	var status *apierrors.StatusError
	if !errors.As(answer, &status) {
		return answer
	}
	if apierrors.IsInvalid(answer) {
		return compareFields(told, status)
	}
	for _, text := range forbiddenTexts(told) {
		if strings.Contains(status.ErrStatus.Message, text) {
			return nil
		}
	}
	return fmt.Errorf("rejected for another reason than told\nanswer: %s\ntold: %s\nexpected one of: %q",
		status.ErrStatus.Message, messages(told), forbiddenTexts(told))
}

// compareFields compares the fields that validation refuses, all of them.
func compareFields(told []effective.Violation, status *apierrors.StatusError) error {
	want, got := map[string]bool{}, map[string]bool{}
	for _, o := range told {
		switch o.Rule {
		case effective.RuleServiceAccount, effective.RulePriorityClass, effective.RuleRuntimeClass:
			return fmt.Errorf("validation refused first (%w), but told: %s", status, messages(told))
		case effective.RuleResourceName, effective.RuleRequestOverLimit, effective.RuleOvercommit, effective.RulePodResources:
			want[o.Field] = true
		}
	}
	for _, cause := range status.ErrStatus.Details.Causes {
		got[realPath(cause.Field)] = true
	}
	if !maps.Equal(want, got) {
		return fmt.Errorf("fields (-told +answered):\n%s\nanswer: %w", cmp.Diff(want, got), status)
	}
	return nil
}

// realPath turns spec.resources.containers[0][memory].limits, which the API server
// writes but no pod has, into the path of the value.
func realPath(field string) string {
	rest, ok := strings.CutPrefix(field, "spec.resources.containers")
	if !ok {
		return field
	}
	index, name, _ := strings.Cut(strings.TrimSuffix(rest, ".limits"), "][")
	return "spec.containers" + index + "].resources.limits[" + name
}
