package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/story"
)

// PodSelector returns the selector of a workload's pods.
func PodSelector(d *appsv1.Deployment) (labels.Selector, error) {
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of deployment/%s: %w", d.Name, err)
	}
	return selector, nil
}

// Pods returns the pods of a revision's pod template that still exist.
func (r *Workloads) Pods(ctx context.Context, w story.Workload, revision *v1alpha1.WorkloadRevision) ([]corev1.Pod, error) {
	if w.Deployment == nil {
		return nil, nil
	}
	selector, err := PodSelector(w.Deployment)
	if err != nil {
		return nil, err
	}
	matching := []client.ListOption{client.InNamespace(w.Namespace), client.MatchingLabelsSelector{Selector: selector}}
	var sets appsv1.ReplicaSetList
	if err := r.from.List(ctx, &sets, matching...); err != nil {
		return nil, Explain(err, w.Namespace)
	}
	var all corev1.PodList
	if err := r.from.List(ctx, &all, matching...); err != nil {
		return nil, Explain(err, w.Namespace)
	}
	return story.PodsOf(revision, sets.Items, all.Items), nil
}

// Containers returns the names of a pod's containers, those that run at its start first. With a
// name it is that one alone, if the pod has it.
func Containers(pod *corev1.PodSpec, name string) []string {
	var names []string
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		if name == "" || container.Name == name {
			names = append(names, container.Name)
		}
	}
	return names
}

// Logs reads the logs of containers.
type Logs struct{ pods kubernetes.Interface }

// NewLogs returns a reader of logs.
func NewLogs(c *Connection) (*Logs, error) {
	clients, err := kubernetes.NewForConfig(c.Config)
	if err != nil {
		return nil, fmt.Errorf("making a client of logs: %w", err)
	}
	return &Logs{pods: clients}, nil
}

// Read hands out the lines of a container's log until the log ends. Each line ends in a newline.
func (l *Logs) Read(ctx context.Context, pod *corev1.Pod, options *corev1.PodLogOptions, line func([]byte) error) error {
	log, err := l.pods.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return explainLog(err, pod, options.Container)
	}
	defer log.Close()
	for lines := bufio.NewReader(log); ; {
		text, err := lines.ReadBytes('\n')
		if err != nil && len(text) > 0 {
			text = append(text, '\n')
		}
		if len(text) > 0 {
			if err := line(text); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return explainLog(err, pod, options.Container)
		}
	}
}

// explainLog returns the error of a log, with the pod and container that it is of.
func explainLog(err error, pod *corev1.Pod, container string) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("reading logs takes the right to get pods/log: %w", err)
	}
	return fmt.Errorf("reading the log of container %s in pod %s: %w", container, pod.Name, err)
}
