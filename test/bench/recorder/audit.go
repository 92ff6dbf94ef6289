package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// call is one request that the API server served, by its own account.
type call struct {
	user, verb      string
	resource        string // with its subresource: revisions/status
	namespace, name string
	// received and completed are the API server's own times, in microseconds.
	received, completed time.Time
	refused             bool
}

// write says whether the call was to change something.
func (c call) write() bool { return c.verb != "get" && c.verb != "list" && c.verb != "watch" }

// calls are what the audit log holds, in the order of completion: every call of Reprise but watches, and what others stored.
func (st *stage) calls() ([]call, error) {
	file, err := os.Open(st.cluster.AuditLog())
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer file.Close()
	var all []call
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return all, nil // What follows the last newline is still being written.
		}
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		var event auditv1.Event
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if c, ok := callOf(event); ok {
			all = append(all, c)
		}
	}
}

func callOf(e auditv1.Event) (call, bool) {
	if e.Stage != auditv1.StageResponseComplete || e.ObjectRef == nil || e.Verb == "watch" {
		return call{}, false
	}
	c := call{
		user: e.User.Username, verb: e.Verb, resource: e.ObjectRef.Resource, namespace: e.ObjectRef.Namespace, name: e.ObjectRef.Name,
		received: e.RequestReceivedTimestamp.Time, completed: e.StageTimestamp.Time,
	}
	if e.ObjectRef.Subresource != "" {
		c.resource += "/" + e.ObjectRef.Subresource
	}
	c.refused = e.ResponseStatus == nil || e.ResponseStatus.Code >= 300
	return c, !c.refused || c.user == account
}
