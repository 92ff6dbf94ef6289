package cluster

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// logServer answers the API server's requests for container logs as a kubelet does. KWOK can serve
// files only, the same for every pod and container; here a container's log is what its script echoes,
// and the answer without one is the kubelet's (pkg/kubelet/kubelet_pods.go, validateContainerLogStatus).
type logServer struct{ client kubernetes.Interface }

func (s logServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.serve)
	return mux
}

func (s logServer) serve(w http.ResponseWriter, r *http.Request) {
	pod, err := s.client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	lines, err := containerLog(pod, r.PathValue("container"), query.Get("previous") == "true")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if n, err := strconv.Atoi(query.Get("tailLines")); err == nil && n < len(lines.text) {
		lines.text = lines.text[len(lines.text)-n:]
	}
	for i, line := range lines.text {
		if query.Get("timestamps") == "true" {
			line = lines.since.Add(time.Duration(i)*time.Millisecond).UTC().Format(time.RFC3339Nano) + " " + line
		}
		fmt.Fprintln(w, line)
	}
}

// containerOutput is what one run of a container printed, and when it began.
type containerOutput struct {
	since time.Time
	text  []string
}

// containerLog returns what the container's current run, or the one before it, has printed.
func containerLog(pod *corev1.Pod, name string, previous bool) (containerOutput, error) {
	status, found := containerStatus(pod, name)
	if !found {
		return containerOutput{}, fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	}
	last, state := status.LastTerminationState.Terminated, status.State
	switch {
	case previous && last == nil:
		return containerOutput{}, fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
	case previous:
		return containerOutput{last.StartedAt.Time, echoed(pod, name)}, nil
	case state.Running != nil:
		return containerOutput{state.Running.StartedAt.Time, echoed(pod, name)}, nil
	case state.Terminated != nil:
		return containerOutput{state.Terminated.StartedAt.Time, echoed(pod, name)}, nil
	case last != nil:
		return containerOutput{last.StartedAt.Time, echoed(pod, name)}, nil
	}
	reason := "no logs yet"
	if state.Waiting != nil {
		reason = state.Waiting.Reason
	}
	switch reason {
	case "ErrImagePull":
		reason = "image can't be pulled"
	case "ImagePullBackOff":
		reason = "trying and failing to pull image"
	}
	return containerOutput{}, fmt.Errorf("container %q in pod %q is waiting to start: %s", name, pod.Name, reason)
}

func containerStatus(pod *corev1.Pod, name string) (corev1.ContainerStatus, bool) {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for _, status := range list {
			if status.Name == name {
				return status, true
			}
		}
	}
	return corev1.ContainerStatus{}, false
}

// echoed returns the words that the container's script echoes, a line each, except what it redirects
// to a file, after one line that every container prints.
func echoed(pod *corev1.Pod, name string) []string {
	lines := []string{"starting " + name}
	for _, list := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, container := range list {
			if container.Name != name {
				continue
			}
			script := strings.Join(append(append([]string{}, container.Command...), container.Args...), " ")
			for _, match := range regexp.MustCompile(`\becho ([^;&|>]*)(>&2|> */)?`).FindAllStringSubmatch(script, -1) {
				if !strings.HasSuffix(match[2], "/") {
					lines = append(lines, strings.Trim(match[1], ` "'`))
				}
			}
		}
	}
	return lines
}

// listenTLS listens on a free port of loopback with the certificate.
func listenTLS(cert Certificate) (net.Listener, int, error) {
	pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
	if err != nil {
		return nil, 0, err
	}
	listener, err := tls.Listen("tcp", loopback(0), &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		return nil, 0, err
	}
	return listener, listener.Addr().(*net.TCPAddr).Port, nil
}
