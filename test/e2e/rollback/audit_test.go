package rollback

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// auditLog is the API server's own account of what it stored, read as it grows.
type auditLog struct {
	mu    sync.Mutex
	file  *os.File
	lines *bufio.Reader
	// rest is the beginning of a line that is not written whole yet.
	rest []byte
	// stored are the writes by their namespaces.
	stored map[string][]storedWrite
}

// storedWrite is one write that the API server took.
type storedWrite struct {
	version, generation int64
	kind, name          string
	own, plan           bool
	// hold is the reason that it notes for a rollback that is held.
	hold string
}

func openAuditLog(path string) (*auditLog, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	return &auditLog{file: file, lines: bufio.NewReader(file), stored: map[string][]storedWrite{}}, nil
}

func (l *auditLog) close() { _ = l.file.Close() }

// read takes in what was logged since. The API server logs a write before it answers it.
func (l *auditLog) read() error {
	for {
		line, err := l.lines.ReadBytes('\n')
		l.rest = append(l.rest, line...)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the audit log: %w", err)
		}
		if err := l.add(l.rest); err != nil {
			return err
		}
		l.rest = l.rest[:0]
	}
}

func (l *auditLog) add(line []byte) error {
	var entry auditv1.Event
	if err := json.Unmarshal(line, &entry); err != nil {
		return fmt.Errorf("decoding the audit log: %w", err)
	}
	o := entry.ObjectRef
	if o == nil || entry.ResponseStatus == nil || entry.ResponseStatus.Code >= 300 || entry.ResponseObject == nil || strings.Contains(entry.RequestURI, "dryRun=") {
		return nil
	}
	var object struct {
		metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(entry.ResponseObject.Raw, &object); err != nil {
		return fmt.Errorf("decoding what was stored of %s %s: %w", o.Resource, o.Name, err)
	}
	version, err := strconv.ParseInt(object.ResourceVersion, 10, 64)
	if err != nil {
		return fmt.Errorf("reading a resourceVersion: %w", err)
	}
	w := storedWrite{
		version: version, generation: object.Generation, kind: o.Resource, name: object.Name, own: entry.User.Username == account,
	}
	if o.Subresource == "status" {
		var patch v1alpha1.WorkloadRevision
		if err := json.Unmarshal(entry.RequestObject.Raw, &patch); err != nil {
			return fmt.Errorf("decoding a patch of %s: %w", o.Name, err)
		}
		plan := patch.Status.Rollback
		w.plan = entry.Verb == "patch" && plan != nil && !plan.StartTime.IsZero()
		if held := patch.RollbackHold(); entry.Verb == "patch" && held != nil {
			w.hold = held.Reason
		}
	}
	l.stored[o.Namespace] = append(l.stored[o.Namespace], w)
	return nil
}

// deed is what Reprise did in a namespace.
type deed struct {
	// plans is how many rollbacks were written ahead, intents how often a Deployment's spec was
	// changed.
	plans, intents int
	// holds are the reasons for which a rollback was held, a reason once.
	holds map[string]bool
	// files is how often each file was stored with another content or another owner.
	files map[string]int
}

// of says what Reprise did in a namespace.
func (l *auditLog) of(namespace string) (deed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.read(); err != nil {
		return deed{}, err
	}
	all := slices.SortedStableFunc(slices.Values(l.stored[namespace]), func(a, b storedWrite) int { return cmp.Compare(a.version, b.version) })
	done := deed{files: map[string]int{}, holds: map[string]bool{}}
	var generation, last int64
	for _, w := range all {
		if w.hold != "" {
			done.holds[w.hold] = true
		}
		switch {
		case w.kind == "deployments":
			if w.own && w.generation > generation {
				done.intents++
			}
			generation = w.generation
		case w.kind == "configmaps" && w.version > last:
			done.files[w.name]++
		case w.plan:
			done.plans++
		}
		last = w.version
	}
	return done, nil
}
