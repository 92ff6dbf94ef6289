package diff_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/workload"
)

// containersOf makes three containers of ten variables each.
func containersOf(tag, value string) workload.Intent {
	var intent workload.Intent
	for c := range 3 {
		container := corev1.Container{Name: fmt.Sprintf("c%d", c), Image: "example.com/app:" + tag}
		for v := range 10 {
			container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprintf("NAME_%d", v), Value: fmt.Sprint(value, v/2)})
		}
		intent.Spec.Template.Spec.Containers = append(intent.Spec.Template.Spec.Containers, container)
	}
	return intent
}

func BenchmarkIntents(b *testing.B) {
	for name, new := range map[string]workload.Intent{
		"Equal":     containersOf("1", "a"),
		"Image":     containersOf("2", "a"),
		"33Changes": containersOf("2", "b"),
	} {
		old := containersOf("1", "a")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				changes, err := diff.Intents(old, new)
				if err != nil {
					b.Fatal(err)
				}
				changes.Short(1024)
			}
		})
	}
}

func BenchmarkRevisions_File256KiB(b *testing.B) {
	lines := func(word string) diff.Revision {
		var out strings.Builder
		for i := range 4990 {
			fmt.Fprintf(&out, "%s.%d = %s\n", word[:1+i%len(word)], i, strings.Repeat("v", 40))
		}
		return oneFile("/f", text(out.String()))
	}
	old, new := lines("ab"), lines("bc")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := diff.Revisions(old, new); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIntents_ThousandVariables compares the largest change that an apply can contain: 1,000
// variables of 1 KB, all changed.
func BenchmarkIntents_ThousandVariables(b *testing.B) {
	many := func(word string) workload.Intent {
		container := corev1.Container{Name: "main", Image: "x"}
		for i := range 1000 {
			container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprintf("NAME_%d", i), Value: strings.Repeat(word, 1000)})
		}
		return workload.Intent{Spec: deploymentOf(container)}
	}
	old, new := many("a"), many("b")
	b.ReportAllocs()
	for b.Loop() {
		changes, err := diff.Intents(old, new)
		if err != nil || len(changes) != 1000 {
			b.Fatalf("%d changes, %v", len(changes), err)
		}
	}
}
