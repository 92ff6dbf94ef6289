package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// row is one row of the table.
type row struct {
	hook        string
	concurrency int
	// cpu is that of the webhook's process per admission; 0 where there is none.
	cpu time.Duration
	// took are the times that a deployer waited, sorted.
	took []time.Duration
}

// load sends dry-run creates to a namespace and takes the CPU that the hook's process uses
// meanwhile. A tenth more goes before, so that connections are up and caches are warm.
func (st *stage) load(ctx context.Context, hook hook, concurrency, creates int) (row, error) {
	fmt.Fprintf(st.progress, "%s: %d creates, %d at once\n", hook.name, creates, concurrency)
	if _, err := st.send(ctx, hook.namespace, concurrency, creates/10); err != nil {
		return row{}, err
	}
	before, err := hook.cpu()
	if err != nil {
		return row{}, err
	}
	took, err := st.send(ctx, hook.namespace, concurrency, creates)
	if err != nil {
		return row{}, err
	}
	after, err := hook.cpu()
	if err != nil {
		return row{}, err
	}
	slices.Sort(took)
	return row{hook: hook.name, concurrency: concurrency, cpu: (after - before) / time.Duration(creates), took: took}, nil
}

func (st *stage) send(ctx context.Context, namespace string, concurrency, creates int) ([]time.Duration, error) {
	took := make([]time.Duration, creates)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrency)
	for i := range creates {
		group.Go(func() error {
			d := deployment(fmt.Sprintf("w-%d", i))
			start := time.Now()
			_, err := st.client.AppsV1().Deployments(namespace).Create(ctx, d, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			took[i] = time.Since(start)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("sending dry-run creates: %w", err)
	}
	return took, nil
}

// deployment is a sound workload of 3 containers with 10 variables each.
func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/instance": name + "-1a2b3c"}
	amount := func(value string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(value), corev1.ResourceCPU: resource.MustParse("100m")}
	}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: map[string]string{"k8s.score.dev/workload-name": name}},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
		},
	}
	for _, container := range []string{"backend", "frontend", "proxy"} {
		c := corev1.Container{
			Name: container, Image: "registry.example.com/" + container + ":1.0.0",
			Resources: corev1.ResourceRequirements{Requests: amount("100Mi"), Limits: amount("200Mi")},
		}
		for variable := range 10 {
			c.Env = append(c.Env, corev1.EnvVar{Name: fmt.Sprintf("VARIABLE_%02d", variable), Value: "a value of ordinary length"})
		}
		d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, c)
	}
	return d
}
