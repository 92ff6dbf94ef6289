package diff

import (
	"reflect"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"reprise.dev/reprise/internal/quantity"
)

// defaultProtocol is that of a container's port. It is part of the key by which ports are matched.
const defaultProtocol = string(corev1.ProtocolTCP)

// unsetDefaults takes out of a Deployment what the API server would put in, so that a manifest
// equals what is stored of it. It undoes SetObjectDefaults_Deployment
// (k8s.io/kubernetes/pkg/apis/apps/v1/defaults.go and zz_generated.defaults.go; for the pod
// template pkg/apis/core/v1/defaults.go) of Kubernetes 1.37. Defaults of Pods, such as requests
// taken from limits, are none of a pod template's.
func unsetDefaults(spec *appsv1.DeploymentSpec) {
	unset(&spec.RevisionHistoryLimit, 10)
	unset(&spec.ProgressDeadlineSeconds, 600)
	if s := &spec.Strategy; s.Type == "" || s.Type == appsv1.RollingUpdateDeploymentStrategyType {
		s.Type = ""
		if s.RollingUpdate != nil {
			unset(&s.RollingUpdate.MaxUnavailable, intstr.FromString("25%"))
			unset(&s.RollingUpdate.MaxSurge, intstr.FromString("25%"))
		}
		unset(&s.RollingUpdate, appsv1.RollingUpdateDeployment{})
	}
	unsetPodDefaults(&spec.Template.Spec)
}

func unsetPodDefaults(spec *corev1.PodSpec) {
	if spec.ServiceAccountName == "" {
		spec.ServiceAccountName = spec.DeprecatedServiceAccount
	}
	spec.DeprecatedServiceAccount = ""
	clearIf(&spec.DNSPolicy, corev1.DNSClusterFirst)
	clearIf(&spec.RestartPolicy, corev1.RestartPolicyAlways)
	clearIf(&spec.SchedulerName, corev1.DefaultSchedulerName)
	unset(&spec.TerminationGracePeriodSeconds, corev1.DefaultTerminationGracePeriodSeconds)
	if spec.SecurityContext != nil && reflect.ValueOf(*spec.SecurityContext).IsZero() {
		spec.SecurityContext = nil
	}
	roundUp(spec.Overhead)
	if spec.Resources != nil {
		roundUp(spec.Resources.Limits)
		roundUp(spec.Resources.Requests)
	}
	for i := range spec.Volumes {
		unsetVolumeDefaults(&spec.Volumes[i])
	}
	for i := range spec.InitContainers {
		unsetContainerDefaults(&spec.InitContainers[i])
	}
	for i := range spec.Containers {
		unsetContainerDefaults(&spec.Containers[i])
	}
	for i := range spec.EphemeralContainers {
		unsetContainerDefaults((*corev1.Container)(&spec.EphemeralContainers[i].EphemeralContainerCommon))
	}
}

// unset makes an optional field absent where it has its default.
func unset[T comparable](field **T, byDefault T) {
	if *field != nil && **field == byDefault {
		*field = nil
	}
}

// clearIf returns a field empty where it has its default.
func clearIf[T comparable](field *T, byDefault T) {
	if *field == byDefault {
		var empty T
		*field = empty
	}
}

// roundUp rounds quantities as the API server does (SetDefaults_ResourceList).
func roundUp(list corev1.ResourceList) {
	const milli = -3
	for name, amount := range list {
		if quantity.IsQuick(amount) { // Others are not rounded, and compare exactly.
			amount.RoundUp(milli)
			list[name] = amount
		}
	}
}
