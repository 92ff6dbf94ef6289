package cluster

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// followEvery is how often a log that is followed is looked at again.
const followEvery = 100 * time.Millisecond

// logServer answers the API server's requests for container logs as a kubelet does. KWOK can serve
// files only, the same for every pod and container; here a container's log is what its script
// echoes, and the answer without one is the kubelet's (pkg/kubelet/kubelet_pods.go,
// validateContainerLogStatus).
type logServer struct {
	client kubernetes.Interface

	mu sync.Mutex
	// broken is closed to break the connections off on which logs are followed.
	broken chan struct{}
}

func newLogServer(client kubernetes.Interface) *logServer {
	return &logServer{client: client, broken: make(chan struct{})}
}

// breakOff breaks every connection off on which a log is followed, as the loss of a node's network
// does.
func (s *logServer) breakOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.broken)
	s.broken = make(chan struct{})
}

func (s *logServer) breaks() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

func (s *logServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.serve)
	return mux
}

func (s *logServer) serve(w http.ResponseWriter, r *http.Request) {
	pod, err := s.client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	log, err := containerLog(pod, r.PathValue("container"), query.Get("previous") == "true")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	lines := log.until(time.Now())
	written := len(lines)
	write(w, query, asked(query, lines))
	if query.Get("follow") == "true" {
		s.follow(w, r, log, written)
	}
}

// follow goes on with a log until its run has ended, its pod is gone, or nobody listens any more.
func (s *logServer) follow(w http.ResponseWriter, r *http.Request, log runLog, written int) {
	flush := http.NewResponseController(w)
	broken := s.breaks()
	for {
		// The end is known before the lines are counted: none comes after it.
		over := s.ended(r, &log)
		lines := log.until(time.Now())
		write(w, r.URL.Query(), lines[min(written, len(lines)):])
		written = max(written, len(lines))
		if err := flush.Flush(); err != nil || over {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-broken:
			panic(http.ErrAbortHandler) // The connection ends in the middle of the answer.
		case <-time.After(followEvery):
		}
	}
}

// ended says whether a run is over, and notes when it ended.
func (s *logServer) ended(r *http.Request, log *runLog) bool {
	pod, err := s.client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), metav1.GetOptions{})
	if err != nil || pod.UID != log.pod {
		return true
	}
	status, found := containerStatus(pod, log.container)
	if found && status.ContainerID == log.id && status.State.Running != nil {
		return false
	}
	for _, state := range []*metav1.Time{finished(status.State, log.id), finished(status.LastTerminationState, log.id)} {
		if state != nil {
			log.ended = state.Time
		}
	}
	return true
}

// asked are the lines that a request asks for.
func asked(query url.Values, lines []logLine) []logLine {
	if since, err := time.Parse(time.RFC3339, query.Get("sinceTime")); err == nil {
		for len(lines) > 0 && lines[0].at.Before(since) {
			lines = lines[1:]
		}
	}
	if n, err := strconv.Atoi(query.Get("tailLines")); err == nil && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	return lines
}

func write(w http.ResponseWriter, query url.Values, lines []logLine) {
	for _, line := range lines {
		text := line.text
		if query.Get("timestamps") == "true" {
			text = line.at.UTC().Format(time.RFC3339Nano) + " " + text
		}
		fmt.Fprintln(w, text)
	}
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
