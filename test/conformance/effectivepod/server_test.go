package effectivepod

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"reprise.dev/reprise/effective"
)

// server is the API server that judges.
type server struct {
	config *rest.Config
	admin  *kubernetes.Clientset
	// replicaSets acts as the ReplicaSet controller.
	replicaSets *kubernetes.Clientset
}

func newServer(config *rest.Config) (*server, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	admin, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	controller := rest.CopyConfig(config)
	controller.Impersonate.UserName = "system:serviceaccount:kube-system:replicaset-controller"
	controller.Impersonate.Groups = []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}
	replicaSets, err := kubernetes.NewForConfig(controller)
	if err != nil {
		return nil, err
	}
	return &server{config: config, admin: admin, replicaSets: replicaSets}, nil
}

// createClasses creates the cluster's classes: with overhead, with a node
// selector, with an overhead of its own that quotas feel, with a global default.
func (s *server) createClasses(ctx context.Context) error {
	overhead := func(cpu, memory string) *nodev1.Overhead {
		return &nodev1.Overhead{PodFixed: corev1.ResourceList{"cpu": resource.MustParse(cpu), "memory": resource.MustParse(memory)}}
	}
	for _, class := range []*nodev1.RuntimeClass{
		{ObjectMeta: metav1.ObjectMeta{Name: "heavy"}, Handler: "h", Overhead: overhead("250m", "0.25Gi")},
		{ObjectMeta: metav1.ObjectMeta{Name: "greedy"}, Handler: "h", Overhead: overhead("2", "2Gi")},
		{ObjectMeta: metav1.ObjectMeta{Name: "plain"}, Handler: "h"},
		{ObjectMeta: metav1.ObjectMeta{Name: "selective"}, Handler: "h",
			Scheduling: &nodev1.Scheduling{NodeSelector: map[string]string{"disk": "ssd"}}},
	} {
		if _, err := s.admin.NodeV1().RuntimeClasses().Create(ctx, class, metav1.CreateOptions{}); ignoreExisting(err) != nil {
			return fmt.Errorf("creating RuntimeClass %s: %w", class.Name, err)
		}
	}
	for _, class := range []*schedulingv1.PriorityClass{
		{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 1000},
		{ObjectMeta: metav1.ObjectMeta{Name: "patient"}, Value: 10, PreemptionPolicy: new(corev1.PreemptNever)},
		{ObjectMeta: metav1.ObjectMeta{Name: "usual"}, Value: 5, GlobalDefault: true},
	} {
		_, err := s.admin.SchedulingV1().PriorityClasses().Get(ctx, class.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = s.admin.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
		}
		if err != nil {
			return fmt.Errorf("creating PriorityClass %s: %w", class.Name, err)
		}
	}
	return nil
}

func ignoreExisting(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// create creates a namespace's objects. LimitRanges and quotas that the API
// server finds invalid are left out.
func (s *server) create(ctx context.Context, o objects) error {
	name := o.namespace.Name
	core := s.admin.CoreV1()
	if _, err := core.Namespaces().Create(ctx, o.namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating namespace %s: %w", name, err)
	}
	for _, account := range []*corev1.ServiceAccount{
		{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "puller"}, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}}},
	} {
		if _, err := core.ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{}); ignoreExisting(err) != nil {
			return fmt.Errorf("creating ServiceAccount %s: %w", account.Name, err)
		}
	}
	for _, lr := range o.limitRanges {
		if _, err := core.LimitRanges(name).Create(ctx, lr, metav1.CreateOptions{}); err != nil && !apierrors.IsInvalid(err) {
			return fmt.Errorf("creating a LimitRange: %w", err)
		}
	}
	for _, q := range o.quotas {
		created, err := core.ResourceQuotas(name).Create(ctx, q, metav1.CreateOptions{})
		if apierrors.IsInvalid(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("creating a ResourceQuota: %w", err)
		}
		created.Status = q.Status
		if _, err := core.ResourceQuotas(name).UpdateStatus(ctx, created, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("setting a ResourceQuota's status: %w", err)
		}
	}
	return nil
}

// read returns what the API server holds of a namespace.
func (s *server) read(ctx context.Context, name string) (effective.Namespace, error) {
	core, all := s.admin.CoreV1(), metav1.ListOptions{}
	namespace, err1 := core.Namespaces().Get(ctx, name, metav1.GetOptions{})
	ranges, err2 := core.LimitRanges(name).List(ctx, all)
	quotas, err3 := core.ResourceQuotas(name).List(ctx, all)
	accounts, err4 := core.ServiceAccounts(name).List(ctx, all)
	runtimes, err5 := s.admin.NodeV1().RuntimeClasses().List(ctx, all)
	priorities, err6 := s.admin.SchedulingV1().PriorityClasses().List(ctx, all)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return effective.Namespace{}, fmt.Errorf("reading namespace %s: %w", name, err)
	}
	return effective.Namespace{
		Name: name, Labels: namespace.Labels,
		LimitRanges: pointers(ranges.Items), ResourceQuotas: pointers(quotas.Items), ServiceAccounts: pointers(accounts.Items),
		RuntimeClasses: pointers(runtimes.Items), PriorityClasses: pointers(priorities.Items),
	}, nil
}

func pointers[T any](items []T) []*T {
	var result []*T
	for i := range slices.All(items) {
		result = append(result, &items[i])
	}
	return result
}

// post creates the template's pod as its ReplicaSet would, by a dry run.
func (s *server) post(ctx context.Context, namespace string, t *corev1.PodTemplateSpec) (*corev1.Pod, error) {
	copied := t.DeepCopy()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "generated-", Labels: copied.Labels, Annotations: copied.Annotations,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "generated", UID: "00000000-0000-4000-8000-000000000000",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		Spec: copied.Spec,
	}
	return s.replicaSets.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}
