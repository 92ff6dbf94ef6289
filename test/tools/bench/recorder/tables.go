package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"reprise.dev/reprise/test/tools/bench/tables"
)

// statusWrites is how often a revision's status is written until it is Healthy and that is told.
const statusWrites = 3

func printRequests(out io.Writer, s sizes, all []counted, housekeeping float64) {
	fmt.Fprintf(out, "\nRequests per workload, the mean over %d of them:\n\n", s.perStep)
	tables.Lines(out, "| step | writes | requests | which |", "|---|--:|--:|---|")
	for _, c := range all {
		var which []string
		for _, kind := range slices.Sorted(maps.Keys(c.calls)) {
			which = append(which, fmt.Sprintf("%s %s", kind, mean(c.calls[kind], s.perStep)))
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", c.step, mean(c.writes, s.perStep), mean(c.all, s.perStep), strings.Join(which, ", "))
	}
	fmt.Fprintf(out, "\nBeside these, for its Leases, whatever is deployed: %.0f requests a minute.\n", housekeeping)
}

func mean(n, of int) string {
	if n%of == 0 {
		return fmt.Sprint(n / of)
	}
	return fmt.Sprintf("%.2f", float64(n)/float64(of))
}

func printLatency(out io.Writer, all []latency) {
	fmt.Fprint(out, "\nFrom stored to recorded, beside a bare create of a ConfigMap of a Revision's size, in ms:\n\n")
	tables.Lines(out, "| deploys | n | p50 | p99 | bare create p50 | p99 | ratio of p50 | of p99 | API server at work for Reprise, mean |",
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, l := range all {
		p50, p99 := tables.Percentile(l.recorded, 0.5), tables.Percentile(l.recorded, 0.99)
		b50, b99 := tables.Percentile(l.baseline, 0.5), tables.Percentile(l.baseline, 0.99)
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %.1f | %.1f | %s |\n", l.name, len(l.recorded), tables.Milliseconds(p50), tables.Milliseconds(p99), tables.Milliseconds(b50), tables.Milliseconds(b99),
			float64(p50)/float64(b50), float64(p99)/float64(b99), tables.Milliseconds(l.served))
	}
}

func printMemory(out io.Writer, s sizes, m memory) {
	fmt.Fprintf(out, "\nMemory beside %d workloads × %d revisions, with %d ReplicaSets and a pod each, in MiB:\n\n", s.workloads, s.revisions, s.replicaSets)
	tables.Lines(out, "| what | MiB |", "|---|--:|")
	for _, row := range []struct {
		name  string
		bytes int
	}{
		{"Go heap, live after a garbage collection", m.live},
		{"Go heap in use", m.inUse},
		{"resident", m.resident.Now},
		{"of it anonymous, without the mapped program", m.resident.Anonymous},
		{"resident at the peak, which is while the caches fill", m.resident.Peak},
		{"(the API server's live heap)", m.apiServer},
	} {
		fmt.Fprintf(out, "| %s | %.0f |\n", row.name, float64(row.bytes)/(1<<20))
	}
	fmt.Fprintf(out, "\nReady %.1f s after its start.\n", m.ready.Seconds())
}

func printStorage(out io.Writer, s sizes, all []way, parts []part) {
	fmt.Fprintf(out, "\nThe same revision stored in several ways, %d times each:\n\n", s.stored)
	tables.Lines(out, "| way | writes | p50 ms | ratio | bytes in etcd | ratio | bytes written until Healthy | API server's heap, bytes |",
		"|---|--:|--:|--:|--:|--:|--:|--:|")
	first := all[0]
	for _, w := range all {
		p50 := tables.Percentile(w.took, 0.5)
		fmt.Fprintf(out, "| %s | %d | %s | %.2f | %d | %.2f | %d | %d |\n", w.name, w.writes, tables.Milliseconds(p50),
			float64(p50)/float64(tables.Percentile(first.took, 0.5)), w.bytes, float64(w.bytes)/float64(first.bytes),
			w.bytes+statusWrites*w.revisionBytes, w.apiServer)
	}
	fmt.Fprint(out, "\nWhat takes how much of that Revision:\n\n")
	tables.Lines(out, "| part | bytes |", "|---|--:|")
	for _, p := range parts {
		fmt.Fprintf(out, "| %s | %d |\n", p.name, p.bytes)
	}
}
