package diff_test

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

// deployment is a Deployment of one container with an image and a variable.
func deployment(image, password string) *appsv1.Deployment {
	d := &appsv1.Deployment{}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: image, Env: []corev1.EnvVar{{Name: "DB_PASSWORD", Value: password}}}}
	return d
}

// ExampleIntents compares what two deploys asked for, in Score's terms and with credentials masked.
func ExampleIntents() {
	before, after := deployment("podinfo:6.7.0", "hunter2"), deployment("podinfo:6.7.1", "hunter3")
	changes, err := diff.Intents(workload.IntentOf(before), workload.IntentOf(after))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(changes.Long(diff.LongOptions{}))
	// Output:
	// ~ containers.main.image: podinfo:6.7.0 → podinfo:6.7.1
	// ~ containers.main.variables.DB_PASSWORD: changed
}
