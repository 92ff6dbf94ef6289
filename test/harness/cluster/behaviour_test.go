package cluster

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"reprise.dev/reprise/test/harness/tutorial"
)

// eventually calls check until it returns no error, and fails the test with its last one otherwise.
func eventually(t *testing.T, within time.Duration, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %s: %v", within, err)
		case <-time.After(poll):
		}
	}
}

func adminClient(t *testing.T, c *Cluster) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newNamespace creates a namespace for the test and returns its name.
func newNamespace(t *testing.T, client kubernetes.Interface) string {
	t.Helper()
	spec := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "behaviour-"}}
	created, err := client.CoreV1().Namespaces().Create(t.Context(), spec, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.Name
}

// kubectl runs kubectl on the shared cluster and fails the test if it fails.
func kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	stdout, stderr, err := shared.KubectlInput(t.Context(), strings.NewReader(stdin), args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	return stdout
}

// step returns what Score wrote for a step of the tutorial, without the HTTPRoute.
func step(t *testing.T, name string) string {
	t.Helper()
	return tutorial.WithoutRoute(t, filepath.Join("..", "..", "testdata", "score", "tutorial", name, "manifests.yaml"))
}

// deployment returns the manifest of a Deployment with the given pod spec.
func deployment(podSpec string) string {
	return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec: ` + podSpec
}

func onePod(t *testing.T, client kubernetes.Interface, namespace string) (*corev1.Pod, error) {
	t.Helper()
	pods, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	if len(pods.Items) != 1 {
		return nil, fmt.Errorf("%d pods", len(pods.Items))
	}
	return &pods.Items[0], nil
}

// describe renders what the tests compare: phase, readiness, and each container's state in short.
func describe(pod *corev1.Pod) string {
	ready := "Unknown"
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			ready = string(c.Status)
		}
	}
	words := []string{string(pod.Status.Phase), "Ready=" + ready}
	for _, s := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		words = append(words, fmt.Sprintf("%s:%s ready=%t last=%s", s.Name, stateOf(s.State), s.Ready, stateOf(s.LastTerminationState)))
	}
	return strings.Join(words, " ")
}

func stateOf(s corev1.ContainerState) string {
	switch {
	case s.Running != nil:
		return "running"
	case s.Waiting != nil:
		return s.Waiting.Reason
	case s.Terminated != nil:
		return fmt.Sprintf("%s/%d", s.Terminated.Reason, s.Terminated.ExitCode)
	}
	return "-"
}

func TestPodReachesTheStatesOfItsBehaviour(t *testing.T) {
	const image = "registry.example.com/app:1.0.0"
	tests := map[string]struct {
		reason   string
		manifest string
		want     []string // states, in this order, others may come between
	}{
		"healthy": {
			"what Score writes for a healthy workload runs and becomes ready", step(t, "1-healthy"),
			[]string{"Running Ready=True frontend:running ready=true last=-"},
		},
		"bad image": {
			"a tag that does not exist alternates between the pull error and its back-off", step(t, "5-bad-image"),
			[]string{
				"Pending Ready=False frontend:ErrImagePull ready=false last=-",
				"Pending Ready=False frontend:ImagePullBackOff ready=false last=-",
				"Pending Ready=False frontend:ErrImagePull ready=false last=-",
			},
		},
		"crash loop": {
			"a script that exits 1 is restarted at once, then backed off", step(t, "6-crashloop"),
			[]string{
				"Running Ready=False frontend:Error/1 ready=false last=-",
				"Running Ready=False frontend:running ready=false last=Error/1",
				"Running Ready=False frontend:Error/1 ready=false last=Error/1",
				"Running Ready=False frontend:CrashLoopBackOff ready=false last=Error/1",
				"Running Ready=False frontend:running ready=false last=Error/1",
			},
		},
		"failing probe": {
			"a probe of /never-ready leaves a running container unready", step(t, "7-failing-probe"),
			[]string{"Running Ready=False frontend:running ready=false last=-"},
		},
		"crash after ready": {
			"it is ready for a while before each crash",
			deployment(`{containers: [{name: a, image: ` + image + `, args: [--crash-after-ready]}]}`),
			[]string{
				"Running Ready=True a:running ready=true last=-",
				"Running Ready=False a:Error/1 ready=false last=-",
				"Running Ready=True a:running ready=true last=Error/1",
				"Running Ready=False a:CrashLoopBackOff ready=false last=Error/1",
			},
		},
		"out of memory": {
			"the kernel kills it with 137", deployment(`{containers: [{name: a, image: ` + image + `, args: [oom]}]}`),
			[]string{"Running Ready=False a:CrashLoopBackOff ready=false last=OOMKilled/137"},
		},
		"missing ConfigMap": {
			"a reference to a missing ConfigMap keeps the container from being created",
			deployment(`{containers: [{name: a, image: ` + image + `, envFrom: [{configMapRef: {name: missing-settings}}]}]}`),
			[]string{"Pending Ready=False a:CreateContainerConfigError ready=false last=-"},
		},
		"one of two containers crashes": {
			"the other one keeps running, the pod is unready",
			deployment(`{containers: [{name: a, image: ` + image + `}, {name: b, image: ` + image + `, args: [exit 3]}]}`),
			[]string{"Running Ready=False a:running ready=true last=- b:CrashLoopBackOff ready=false last=Error/3"},
		},
		"init container and sidecar": {
			"init containers end one after another, a sidecar stays, then the pod is ready",
			deployment(`{initContainers: [{name: i, image: ` + image + `}, {name: s, image: ` + image +
				`, restartPolicy: Always}], containers: [{name: a, image: ` + image + `}]}`),
			[]string{"Running Ready=True i:Completed/0 ready=true last=- s:running ready=true last=- a:running ready=true last=-"},
		},
		"init container crashes": {
			"the containers behind it never start",
			deployment(`{initContainers: [{name: i, image: ` + image + `, args: [exit 2]}], containers: [{name: a, image: ` + image + `}]}`),
			[]string{"Pending Ready=False i:CrashLoopBackOff ready=false last=Error/2 a:PodInitializing ready=false last=-"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := adminClient(t, shared)
			namespace := newNamespace(t, client)
			watch, err := client.CoreV1().Pods(namespace).Watch(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer watch.Stop()
			kubectl(t, test.manifest, "apply", "-n", namespace, "-f", "-")
			var seen []string
			deadline := time.After(60 * time.Second)
			for _, want := range test.want {
				for last := ""; last != want; {
					select {
					case event := <-watch.ResultChan():
						last = describe(event.Object.(*corev1.Pod))
						seen = append(seen, last)
					case <-deadline:
						t.Fatalf("%s: never saw %q after these states:\n%s", test.reason, want, strings.Join(seen, "\n"))
					}
				}
			}
		})
	}
}

func TestWaitingMessagesAreTheKubelets(t *testing.T) {
	tests := map[string]struct {
		manifest, reason, want string
	}{
		"ErrImagePull": {step(t, "5-bad-image"), "ErrImagePull", `rpc error: code = NotFound desc = failed to pull and unpack image ` +
			`"ghcr.io/stefanprodan/podinfo:6.7.1-does-not-exist": failed to resolve reference "ghcr.io/stefanprodan/podinfo:6.7.1-does-not-exist": ` +
			`ghcr.io/stefanprodan/podinfo:6.7.1-does-not-exist: not found`},
		"ImagePullBackOff": {step(t, "5-bad-image"), "ImagePullBackOff", `Back-off pulling image ` +
			`"ghcr.io/stefanprodan/podinfo:6.7.1-does-not-exist": ErrImagePull: rpc error: `},
		"CrashLoopBackOff": {step(t, "6-crashloop"), "CrashLoopBackOff", "back-off 10s restarting failed container=frontend pod=sample-app-"},
		"CreateContainerConfigError": {deployment(`{containers: [{name: a, image: app, envFrom: [{configMapRef: {name: missing-settings}}]}]}`),
			"CreateContainerConfigError", `configmap "missing-settings" not found`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := adminClient(t, shared)
			namespace := newNamespace(t, client)
			kubectl(t, test.manifest, "apply", "-n", namespace, "-f", "-")
			eventually(t, 60*time.Second, func() error {
				pod, err := onePod(t, client, namespace)
				if err != nil {
					return err
				}
				for _, status := range pod.Status.ContainerStatuses {
					if w := status.State.Waiting; w != nil && w.Reason == test.reason && strings.HasPrefix(w.Message, test.want) {
						return nil
					}
				}
				return fmt.Errorf("not yet %s with %q: %+v", test.reason, test.want, pod.Status.ContainerStatuses)
			})
		})
	}
}

func TestTerminationMessageIsWhatTheScriptWrites(t *testing.T) {
	client := adminClient(t, shared)
	namespace := newNamespace(t, client)
	kubectl(t, deployment(`{containers: [{name: a, image: app, args: ['echo no config > /dev/termination-log; exit 4']}]}`),
		"apply", "-n", namespace, "-f", "-")
	eventually(t, 60*time.Second, func() error {
		pod, err := onePod(t, client, namespace)
		if err != nil {
			return err
		}
		for _, status := range pod.Status.ContainerStatuses {
			if ended := status.State.Terminated; ended != nil && ended.ExitCode == 4 && ended.Message == "no config" {
				return nil
			}
		}
		return fmt.Errorf("not yet ended with the message: %+v", pod.Status.ContainerStatuses)
	})
	if got := kubectl(t, "", "logs", "-n", namespace, "deployment/app"); got != "starting a\n" {
		t.Errorf("kubectl logs printed %q, want nothing of what went to the file", got)
	}
}

func TestLogsHoldWhatTheScriptEchoes(t *testing.T) {
	client := adminClient(t, shared)
	namespace := newNamespace(t, client)
	kubectl(t, step(t, "6-crashloop"), "apply", "-n", namespace, "-f", "-")
	eventually(t, 60*time.Second, func() error {
		pod, err := onePod(t, client, namespace)
		if err != nil {
			return err
		}
		if s := pod.Status.ContainerStatuses; len(s) == 0 || s[0].RestartCount == 0 {
			return fmt.Errorf("not restarted yet: %s", describe(pod))
		}
		return nil
	})
	for _, args := range [][]string{{}, {"--previous"}} {
		got := kubectl(t, "", append([]string{"logs", "-n", namespace, "deployment/sample-app"}, args...)...)
		if want := "starting frontend\nboom\n"; got != want {
			t.Errorf("kubectl logs %v printed %q, want %q", args, got, want)
		}
	}
	if got := kubectl(t, "", "logs", "-n", namespace, "deployment/sample-app", "--tail=1"); got != "boom\n" {
		t.Errorf("kubectl logs --tail=1 printed %q, want the last line", got)
	}
}

func TestPreviousLogsOfAContainerThatNeverDiedAreAnError(t *testing.T) {
	client := adminClient(t, shared)
	namespace := newNamespace(t, client)
	kubectl(t, step(t, "1-healthy"), "apply", "-n", namespace, "-f", "-")
	kubectl(t, "", "rollout", "status", "-n", namespace, "deployment/sample-app", "--timeout=60s")
	_, stderr, err := shared.Kubectl(t.Context(), "logs", "-n", namespace, "deployment/sample-app", "--previous")
	if err == nil || !strings.Contains(stderr, `previous terminated container "frontend" in pod`) {
		t.Errorf("kubectl logs --previous: %v, %q; want the kubelet's refusal", err, stderr)
	}
}

func TestFollowedLogsGoOnUntilTheRunEnds(t *testing.T) {
	client := adminClient(t, shared)
	namespace := newNamespace(t, client)
	kubectl(t, deployment(`{containers: [{name: a, image: app, args: ['while true; do echo tick; sleep 0.4; done; exit 3']}]}`),
		"apply", "-n", namespace, "-f", "-")
	eventually(t, 60*time.Second, func() error {
		pod, err := onePod(t, client, namespace)
		if err != nil {
			return err
		}
		if s := pod.Status.ContainerStatuses; len(s) == 0 || s[0].State.Running == nil {
			return fmt.Errorf("not running yet: %s", describe(pod))
		}
		return nil
	})
	// A run takes a second and a half; kubectl ends with it.
	got := kubectl(t, "", "logs", "-n", namespace, "deployment/app", "-f")
	if lines := strings.Split(got, "\n"); lines[0] != "starting a" || strings.Count(got, "tick\n") < 2 {
		t.Errorf("kubectl logs -f printed %q, want ticks until the container ended", got)
	}
}
