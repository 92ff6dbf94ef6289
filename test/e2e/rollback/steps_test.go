package rollback

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/faults"
)

// step names a write by what it does in a story; #2 is what fails and #3 what restores.
type step string

// checkpoint is the recorder's: it comes with time, not with what happens.
const checkpoint step = "save the checkpoint"

// steps are the writes of a rollback, in their usual order. Those that record and those that tell
// may come between any others.
var steps = []step{
	"record #2", "tell RevisionRecorded #2", "follow #2", "note #2 Failed", "plan of #2",
	"write a file", "own a file", "write the intent", "own the fields", "note #2 done",
	"tell RevisionFailed #2", "tell RolledBack #2", "note #2 told",
	"record #3", "tell RevisionRecorded #3", "follow #3", "note #3 Healthy", "tell RevisionHealthy #3", "note #3 told",
}

// collidingSteps are those that somebody who deploys meanwhile can collide with.
var collidingSteps = []step{"plan of #2", "write a file", "own a file", "write the intent", "own the fields", "note #2 done"}

// stepOf names a write.
func stepOf(w faults.Write) step {
	kind, name, sub := parse(w.Path)
	switch {
	case kind == "leases":
		return checkpoint
	case kind == "events":
		return stepOfEvent(w)
	case kind == "configmaps" && w.Method == http.MethodPatch:
		return "own a file"
	case kind == "configmaps":
		return "write a file"
	case kind == "deployments" && w.Method == http.MethodPatch:
		return "own the fields"
	case kind == "deployments":
		return "write the intent"
	case kind == "workloadrevisions" && sub == "status":
		return stepOfStatus(w, number(name))
	case kind == "workloadrevisions" && w.Method == http.MethodPost:
		var r v1alpha1.WorkloadRevision
		if err := json.Unmarshal(w.Body, &r); err == nil {
			return step("record " + number(r.Name))
		}
	case kind == "workloadrevisions" && w.Method == http.MethodPatch:
		return step("note " + number(name) + " told")
	}
	return step(fmt.Sprintf("%s %s", w.Method, w.Path))
}

// parse takes the path of a namespaced object apart.
func parse(url string) (kind, name, sub string) {
	_, rest, _ := strings.Cut(url, "/namespaces/")
	parts := append(strings.Split(rest, "/"), "", "", "")
	return parts[1], parts[2], parts[3]
}

func number(revision string) string { return "#" + path.Base(strings.ReplaceAll(revision, "-", "/")) }

func stepOfEvent(w faults.Write) step {
	var e corev1.Event
	if err := json.Unmarshal(w.Body, &e); err != nil {
		return "tell what cannot be read"
	}
	return step(fmt.Sprintf("tell %s %s", e.Reason, aboutOf(e)))
}

func stepOfStatus(w faults.Write, number string) step {
	if w.Method != http.MethodPatch {
		return step("follow " + number)
	}
	var patch v1alpha1.WorkloadRevision
	if err := json.Unmarshal(w.Body, &patch); err != nil {
		return step("note " + number + " what cannot be read")
	}
	switch s := patch.Status; {
	case patch.IsRollbackDone():
		return step("note " + number + " done")
	case patch.IsRollbackOpen():
		return step("plan of " + number)
	case s.Phase != "":
		return step(fmt.Sprintf("note %s %s", number, s.Phase))
	case patch.RollbackHold() != nil:
		return step("hold " + number)
	default:
		return step("note " + number)
	}
}
