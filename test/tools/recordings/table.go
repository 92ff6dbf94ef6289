package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

const introduction = `# Recordings of a kubelet

Each file has what the API server showed of one Deployment, from the moment when a second revision was applied over a healthy
first one. A header comes first, and then each change of an object as a line with its second.

They were recorded on a real node (kubelet and control plane 1.37, containerd 1.6) by
` + "`go -C test run ./tools/recordings`" + `, which also writes this page:

- Times are moved so that each recording begins in the first second of 2026.
- Random identifiers are numbered, and text about the machine is removed.
- An object without a ` + "`spec`" + ` has the one that it had before.

` + "`health/recordings_test.go`" + ` assesses each of them at every step.

The states are those of the new revision's pods: container, state and reason, ` + "`ready`" + ` if it is ready, the number of restarts,
and how the last run ended. If pods could not be created, the state is the error.
`

// writeTable writes the README beside the recordings from what they hold.
func writeTable(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return err
	}
	out := bytes.NewBufferString(introduction)
	for _, s := range scenarios {
		for _, file := range files {
			if filepath.Base(file) != s.name+".jsonl" {
				continue
			}
			fmt.Fprintf(out, "\n## %s\n\n%s, over %s.\n\n| first seen after | state |\n|---:|---|\n", s.name, s.tells, s.lasts)
			if err := rows(out, file); err != nil {
				return fmt.Errorf("reading %s: %w", file, err)
			}
		}
	}
	return os.WriteFile(filepath.Join(folder, "README.md"), out.Bytes(), 0o644)
}

// rows writes a row for each state that is seen for the first time.
func rows(out *bytes.Buffer, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for first := true; lines.Scan(); first = false {
		if first {
			continue
		}
		var s step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return err
		}
		for _, state := range states(s) {
			if !seen[state] {
				seen[state] = true
				fmt.Fprintf(out, "| %.1f s | %s |\n", s.Seconds, strings.ReplaceAll(state, "|", "\\|"))
			}
		}
	}
	return lines.Err()
}

// states are what a step says of the new revision, in words.
func states(s step) []string {
	switch s.Object["kind"] {
	case "Pod":
		var pod corev1.Pod
		if runtime.DefaultUnstructuredConverter.FromUnstructured(s.Object, &pod) != nil || pod.Labels["revision"] != "2" {
			return nil
		}
		return podStates(pod, s.Change)
	case "Event":
		reason, message := fmt.Sprint(s.Object["reason"]), fmt.Sprint(s.Object["message"])
		if s.Object["type"] == "Warning" || reason == "TaintManagerEviction" || reason == "Killing" {
			return []string{"Event " + reason + ": " + brief(message)}
		}
	case "Node":
		var node corev1.Node
		if runtime.DefaultUnstructuredConverter.FromUnstructured(s.Object, &node) == nil && len(node.Status.Conditions) > 0 {
			ready := node.Status.Conditions[0]
			if ready.Status != corev1.ConditionTrue || node.Spec.Unschedulable {
				return []string{fmt.Sprintf("Node Ready=%s %s unschedulable=%t", ready.Status, ready.Reason, node.Spec.Unschedulable)}
			}
		}
	}
	return nil
}

func podStates(pod corev1.Pod, change string) []string {
	words := []string{string(pod.Status.Phase)}
	if change == "DELETED" {
		words = []string{"gone"}
	} else if pod.DeletionTimestamp != nil {
		words = append(words, "(being deleted)")
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue || c.Type == corev1.DisruptionTarget {
			words = append(words, c.Reason)
		}
	}
	for _, status := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		word := status.Name + ": " + stateOf(status.State)
		if status.Ready {
			word += ", ready"
		}
		if status.RestartCount > 0 {
			word += fmt.Sprintf(", restarts %d", status.RestartCount)
		}
		if last := stateOf(status.LastTerminationState); last != "" {
			word += ", last " + last
		}
		words = append(words, word)
	}
	return []string{strings.Join(words, "; ")}
}

func stateOf(s corev1.ContainerState) string {
	switch {
	case s.Waiting != nil:
		return "waiting " + s.Waiting.Reason
	case s.Running != nil:
		return "running"
	case s.Terminated != nil:
		return fmt.Sprintf("%s (%d)", s.Terminated.Reason, s.Terminated.ExitCode)
	}
	return ""
}

// brief is a message in one line that fits a table, cut in its middle, since what matters stands at
// its ends.
func brief(message string) string {
	text := []rune(strings.Join(strings.Fields(message), " "))
	if len(text) <= 160 {
		return string(text)
	}
	return string(text[:70]) + " … " + string(text[len(text)-85:])
}
