package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// epoch is when every recording begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// kept are the fields that are recorded, by kind; a field that is named by its first part is kept
// whole.
var kept = map[string][]string{
	"Node":       {"spec.unschedulable", "spec.taints", "status.conditions"},
	"Deployment": {"metadata.generation", "spec", "status"},
	"ReplicaSet": {"metadata.generation", "spec", "status"},
	"Pod":        {"spec.nodeName", "spec.containers", "spec.initContainers", "status"},
	"Event":      {"involvedObject", "reason", "message", "type", "count", "firstTimestamp", "lastTimestamp", "eventTime", "series", "source"},
}

// dropped are fields that tell of the machine, or nothing, at whatever depth.
var dropped = []string{
	"containerID", "imageID", "hostIP", "hostIPs", "podIP", "podIPs", "lastHeartbeatTime", "heartbeat", "resourceVersion", "host", "volumeMounts",
	"user", "allocatedResources", "allocatedResourcesStatus", "terminationMessagePath", "terminationMessagePolicy", "observedImage",
}

// trim is what is recorded of an object.
func trim(object *unstructured.Unstructured) map[string]any {
	object = object.DeepCopy()
	out := map[string]any{"apiVersion": object.GetAPIVersion(), "kind": object.GetKind()}
	fields := append([]string{
		"metadata.name", "metadata.uid", "metadata.labels", "metadata.creationTimestamp", "metadata.deletionTimestamp", "metadata.ownerReferences",
	}, kept[object.GetKind()]...)
	if object.GetKind() == "Node" { // its labels tell of the machine
		fields = append([]string{"metadata.name", "metadata.uid"}, kept["Node"]...)
	}
	for _, field := range fields {
		path := strings.Split(field, ".")
		if value, found, err := unstructured.NestedFieldNoCopy(object.Object, path...); found && err == nil {
			_ = unstructured.SetNestedField(out, value, path...) // the map is new
		}
	}
	drop(out)
	switch object.GetKind() {
	case "Node":
		onlyReady(out)
	case "Pod":
		onlyImages(out)
	}
	return out
}

// onlyImages leaves names and images of a pod's containers: its ReplicaSet has the rest.
func onlyImages(pod map[string]any) {
	for _, list := range []string{"containers", "initContainers"} {
		all, found, _ := unstructured.NestedSlice(pod, "spec", list)
		if !found {
			continue
		}
		for i := range all {
			container, _ := all[i].(map[string]any)
			all[i] = map[string]any{"name": container["name"], "image": container["image"]}
		}
		_ = unstructured.SetNestedSlice(pod, all, "spec", list)
	}
}

// onlyReady leaves the condition Ready of a node's.
func onlyReady(node map[string]any) {
	all, _, _ := unstructured.NestedSlice(node, "status", "conditions")
	var ready []any
	for _, condition := range all {
		if fields, ok := condition.(map[string]any); ok && fields["type"] == "Ready" {
			ready = append(ready, condition)
		}
	}
	_ = unstructured.SetNestedSlice(node, ready, "status", "conditions")
}

func drop(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range dropped {
			delete(v, name)
		}
		for _, below := range v {
			drop(below)
		}
	case []any:
		for _, below := range v {
			drop(below)
		}
	}
}

// shift has every time of an object as if the recording had begun at the epoch. It moves by whole
// seconds, since most of Kubernetes' times are such.
func shift(value any, begin time.Time) {
	by := epoch.Sub(begin.Truncate(time.Second))
	each := func(text string) string {
		layout := time.RFC3339
		if strings.Contains(text, ".") {
			layout = metav1.RFC3339Micro
		}
		at, err := time.Parse(layout, text)
		if err != nil {
			return text
		}
		return at.Add(by).UTC().Format(layout)
	}
	switch v := value.(type) {
	case map[string]any:
		for key, below := range v {
			if text, ok := below.(string); ok {
				v[key] = each(text)
			} else {
				shift(below, begin)
			}
		}
	case []any:
		for _, below := range v {
			shift(below, begin)
		}
	}
}

var (
	uid       = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	container = regexp.MustCompile(`[0-9a-f]{64}`)
	cgroup    = regexp.MustCompile(`/?reprise-node-[0-9]+`)
	port      = regexp.MustCompile(`(127\.0\.0\.1|10\.\d+\.\d+\.\d+):\d{5}`)
)

// anonymous numbers what is random.
func anonymous(text []byte) []byte {
	seen := map[string]string{}
	text = uid.ReplaceAllFunc(text, func(found []byte) []byte {
		if seen[string(found)] == "" {
			seen[string(found)] = fmt.Sprintf("uid-%d", len(seen)+1)
		}
		return []byte(seen[string(found)])
	})
	text = container.ReplaceAll(text, []byte("container-id"))
	text = cgroup.ReplaceAll(text, []byte("/node"))
	return port.ReplaceAll(text, []byte("$1:port"))
}
