package product

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/workload"
)

// Tutorial is the path of a step of the exercise, as score-k8s wrote it.
func Tutorial(t testing.TB, step string) string {
	t.Helper()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "test", "testdata", "score", "tutorial", step, "manifests.yaml")
}

// Idle is the Deployment of a workload that asks for no pods.
func Idle(namespace, name string) *appsv1.Deployment {
	labels := map[string]string{"app": name[:min(len(name), 63)]}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{workload.NameAnnotation: "app"}},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example.com/app:0"}}},
			},
		},
	}
}

// FiledConfigMap is the ConfigMap that holds the first file of Filed.
const FiledConfigMap = "filed-main-file-932d370d8a"

// Filed are the manifests of a workload with two files in one folder, as score-k8s writes them:
// /etc/app/a.conf, whose content is given, and another. The tag is that of its image.
func Filed(content, tag string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata:
  name: %[1]s
binaryData:
  file: %[2]s
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: filed-main-file-9de408a5a1
binaryData:
  file: c3RhdGlj
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: filed
  annotations:
    k8s.score.dev/workload-name: filed
spec:
  selector:
    matchLabels:
      app.kubernetes.io/instance: filed-002295dce4
  template:
    metadata:
      labels:
        app.kubernetes.io/instance: filed-002295dce4
    spec:
      containers:
        - name: main
          image: nginx:%[3]s
          volumeMounts:
            - name: proj-vol-0
              mountPath: /etc/app
              readOnly: true
      volumes:
        - name: proj-vol-0
          projected:
            sources:
              - configMap:
                  name: %[1]s
                  items:
                    - key: file
                      path: a.conf
              - configMap:
                  name: filed-main-file-9de408a5a1
                  items:
                    - key: file
                      path: b.conf
`, FiledConfigMap, base64.StdEncoding.EncodeToString([]byte(content)), tag)
}
