package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"reprise.dev/reprise/test/harness/node"
)

// step is one change of one object, as the API server told it. An object without a spec has the one
// that it had before.
type step struct {
	// Seconds since just before the second revision was applied; the first steps are what was there.
	Seconds float64        `json:"seconds"`
	Change  string         `json:"change"`
	Object  map[string]any `json:"object"`
}

// recording is what is seen of a namespace.
type recording struct {
	begin time.Time
	stop  context.CancelFunc

	mu    sync.Mutex
	steps []step
	last  map[string]string // what was seen last of an object, by kind and name
	specs map[string]string
}

var watched = []schema.GroupVersionResource{
	{Version: "v1", Resource: "nodes"},
	{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "apps", Version: "v1", Resource: "replicasets"},
	{Version: "v1", Resource: "pods"}, {Version: "v1", Resource: "events"},
}

// record begins to watch a namespace. What is there already are its first steps.
func record(ctx context.Context, n *node.Node, namespace string) (*recording, error) {
	client, err := dynamic.NewForConfig(n.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	r := &recording{begin: time.Now(), stop: stop, last: map[string]string{}, specs: map[string]string{}}
	for _, kind := range watched {
		var from dynamic.ResourceInterface = client.Resource(kind)
		if kind.Resource != "nodes" {
			from = client.Resource(kind).Namespace(namespace)
		}
		there, err := from.List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("listing %s: %w", kind.Resource, err)
		}
		if kind.Resource != "events" { // those tell of the first revision
			for i := range there.Items {
				r.see("ADDED", &there.Items[i])
			}
		}
		changes, err := from.Watch(ctx, metav1.ListOptions{ResourceVersion: there.GetResourceVersion()})
		if err != nil {
			return nil, fmt.Errorf("watching %s: %w", kind.Resource, err)
		}
		go func() {
			for change := range changes.ResultChan() {
				if object, ok := change.Object.(*unstructured.Unstructured); ok {
					r.see(string(change.Type), object)
				}
			}
		}()
	}
	r.begin = time.Now()
	return r, nil
}

// see adds a change, unless all that is kept of the object is as before.
func (r *recording) see(change string, object *unstructured.Unstructured) {
	kept := trim(object)
	text, err := json.Marshal(kept)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	key := object.GetKind() + "/" + object.GetName()
	if change != "DELETED" && r.last[key] == string(text) {
		return
	}
	r.last[key] = string(text)
	if spec, err := json.Marshal(kept["spec"]); err == nil && object.GetKind() != "Node" {
		if r.specs[key] == string(spec) {
			delete(kept, "spec")
		}
		r.specs[key] = string(spec)
	}
	seconds := max(0, time.Since(r.begin)).Round(10 * time.Millisecond).Seconds()
	r.steps = append(r.steps, step{seconds, change, kept})
}

// write ends the recording and writes it, a step a line.
func (r *recording) write(folder string, s scenario) error {
	r.stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	header := map[string]any{"name": s.name, "tells": s.tells, "begin": epoch.Add(r.begin.Sub(r.begin.Truncate(time.Second))).Format(time.RFC3339Nano), "seconds": s.lasts.Seconds()}
	if err := encoder.Encode(header); err != nil {
		return err
	}
	for _, step := range r.steps {
		shift(step.Object, r.begin)
		if err := encoder.Encode(step); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, s.name+".jsonl"), anonymous(out.Bytes()), 0o644)
}
