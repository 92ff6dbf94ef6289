package plugin

import (
	"strings"
	"testing"
)

// filed is a workload with one of Score's files, as score-k8s writes it.
const filed = `apiVersion: v1
kind: ConfigMap
metadata:
  name: filed-main-file-932d370d8a
binaryData:
  file: dmVyc2lvbiBvbmU=
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
          image: nginx:1.27-alpine
          volumeMounts:
            - name: file-932d370d8a
              mountPath: /etc/app
      volumes:
        - name: file-932d370d8a
          configMap:
            name: filed-main-file-932d370d8a
            items:
              - key: file
                path: a.conf
`

func TestWaitIsNotFooledWhereOnlyAFileChanged(t *testing.T) {
	t.Parallel()
	p := newPlace(t, quick)
	first, second := written(t, filed), written(t, strings.Replace(filed, "dmVyc2lvbiBvbmU=", "dmVyc2lvbiB0d28=", 1))
	p.apply(first)
	p.reprise("wait", "-f", first).says(p, 0, "filed #1 is Healthy")

	// The Deployment is as it was: no revision is there for ten seconds, and then one that no pod has proven.
	p.apply(second)
	p.reprise("wait", "-f", second, "--timeout", "2s").says(p, 2, "containers.main.files./etc/app/a.conf has changed")
	p.becomes("filed", "1 Healthy, 2 Progressing")
	p.reprise("wait", "-f", second, "--timeout", "2s").says(p, 2, "#2 is Progressing", "kubectl rollout restart deployment/filed -n "+p.namespace)
	p.reprise("diff", "filed", "1", "2").says(p, 0, "~ containers.main.files./etc/app/a.conf", "-version one", "+version two")
	p.kubectl("rollout", "restart", "deployment/filed")
	p.reprise("wait", "filed").says(p, 0, "filed #3 is Healthy")
}
