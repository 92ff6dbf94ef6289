package rig

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"reprise.dev/reprise/test/harness/product"
)

// Account is the user that Reprise is to the API server.
const Account = "system:serviceaccount:" + product.Namespace + ":" + product.Release

// Call is one request that the API server served, by its own account.
type Call struct {
	User, Verb      string
	Resource        string // with its subresource: workloadrevisions/status
	Namespace, Name string
	// Selector is the field selector of a list, empty where there is none.
	Selector string
	DryRun   bool
	// Received and Completed are the API server's own times, in microseconds.
	Received, Completed time.Time
	Refused             bool
	// Body is what was sent, where the audit policy keeps it.
	Body []byte
}

// Write says whether the call was to change something.
func (c Call) Write() bool { return c.Verb != "get" && c.Verb != "list" && c.Verb != "watch" }

// Calls are what the audit log holds, in the order of completion: every call of Reprise but
// watches, and what others stored, as far as the audit policy has them.
func (r *Rig) Calls() ([]Call, error) {
	file, err := os.Open(r.Cluster.AuditLog())
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	defer file.Close()
	var all []Call
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

func callOf(e auditv1.Event) (Call, bool) {
	if e.Stage != auditv1.StageResponseComplete || e.ObjectRef == nil || e.Verb == "watch" {
		return Call{}, false
	}
	c := Call{
		User: e.User.Username, Verb: e.Verb, Resource: e.ObjectRef.Resource, Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name,
		Received: e.RequestReceivedTimestamp.Time, Completed: e.StageTimestamp.Time,
	}
	if e.ObjectRef.Subresource != "" {
		c.Resource += "/" + e.ObjectRef.Subresource
	}
	if uri, err := url.Parse(e.RequestURI); err == nil {
		c.Selector, c.DryRun = uri.Query().Get("fieldSelector"), uri.Query().Has("dryRun")
	}
	if e.RequestObject != nil {
		c.Body = e.RequestObject.Raw
	}
	c.Refused = e.ResponseStatus == nil || e.ResponseStatus.Code >= 300
	return c, !c.Refused || c.User == Account
}
