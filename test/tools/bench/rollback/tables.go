package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/test/tools/bench/tables"
)

// span is a part of the time that a rollback takes.
type span struct {
	name  string
	least func(moments) time.Duration
}

// spans are the parts from the signal to the restored Deployment, in order; together they are all
// of it.
func spans() []span {
	return []span{
		{"judged", func(m moments) time.Duration { return m.asked.Sub(m.signal) }},
		{"evidence, phase", func(m moments) time.Duration { return m.failed.Sub(m.asked) }},
		{"checked, written ahead", func(m moments) time.Duration { return m.planned.Sub(m.failed) }},
		{"Deployment written", func(m moments) time.Duration { return m.restored.Sub(m.planned) }},
	}
}

func toRestored(m moments) time.Duration   { return m.restored.Sub(m.signal) }
func toOwned(m moments) time.Duration      { return m.owned.Sub(m.signal) }
func toClosed(m moments) time.Duration     { return m.closed.Sub(m.signal) }
func fromDeployed(m moments) time.Duration { return m.restored.Sub(m.deployed) }
func served(m moments) time.Duration       { return m.served }

// sorted are times of all rollbacks of a trial.
func (t trial) sorted(of func(moments) time.Duration) []time.Duration {
	var all []time.Duration
	for _, m := range t.all {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all
}

func (t trial) percentile(of func(moments) time.Duration, p float64) time.Duration {
	return tables.Percentile(t.sorted(of), p)
}

func printSpeed(out io.Writer, all []trial) {
	fmt.Fprint(out, "\nFrom the signal to the restored Deployment, to the ownership of its fields, and to the end of the failed Revision, in ms:\n\n")
	tables.Lines(out, "| failing | n | restored p50 | p99 | max | owned p50 | closed p50 | p99 | API server at work for Reprise until restored p50 | of p50 |",
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, t := range all {
		half, busy := t.percentile(toRestored, 0.5), t.percentile(served, 0.5)
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s | %s | %s | %.0f%% |\n", t.name, len(t.all),
			tables.Milliseconds(half), tables.Milliseconds(t.percentile(toRestored, 0.99)), tables.Milliseconds(t.percentile(toRestored, 1)),
			tables.Milliseconds(t.percentile(toOwned, 0.5)),
			tables.Milliseconds(t.percentile(toClosed, 0.5)), tables.Milliseconds(t.percentile(toClosed, 0.99)),
			tables.Milliseconds(busy), 100*float64(busy)/float64(half))
	}
}

func printSplit(out io.Writer, all []trial) {
	fmt.Fprint(out, "\nWhat takes how much of it, p50 / p99 in ms:\n\n")
	head, rule := "| failing |", "|---|"
	for _, s := range spans() {
		head, rule = head+" "+s.name+" |", rule+"--:|"
	}
	tables.Lines(out, head, rule)
	for _, t := range all {
		line := "| " + t.name + " |"
		for _, s := range spans() {
			line += fmt.Sprintf(" %s / %s |", tables.Milliseconds(t.percentile(s.least, 0.5)), tables.Milliseconds(t.percentile(s.least, 0.99)))
		}
		fmt.Fprintln(out, line)
	}
}

// printRequests says what Reprise sends for one rollback until the Deployment is restored, what
// takes most first.
func printRequests(out io.Writer, all []trial) {
	fmt.Fprint(out, "\nRequests per rollback until the Deployment is restored, and how long the API server worked on each, in the mean:\n\n")
	tables.Lines(out, "| failing | requests | which (ms each) |", "|---|--:|---|")
	for _, t := range all {
		count, took, requests := map[string]int{}, map[string]time.Duration{}, 0
		for _, m := range t.all {
			for _, c := range m.calls {
				kind := c.Verb + " " + c.Resource
				if c.DryRun {
					kind += " (dry run)"
				}
				if c.Refused {
					kind += " (refused)"
				}
				count[kind]++
				took[kind] += c.Completed.Sub(c.Received)
				requests++
			}
		}
		kinds := slices.SortedFunc(maps.Keys(took), func(a, b string) int { return cmp.Or(cmp.Compare(took[b], took[a]), cmp.Compare(a, b)) })
		var which []string
		for _, kind := range kinds {
			which = append(which, fmt.Sprintf("%s %.2f (%s)", kind, float64(count[kind])/float64(len(t.all)),
				tables.Milliseconds(took[kind]/time.Duration(count[kind]))))
		}
		fmt.Fprintf(out, "| %s | %.2f | %s |\n", t.name, float64(requests)/float64(len(t.all)), strings.Join(which, ", "))
	}
}

func printWaves(out io.Writer, all []trial) {
	if len(all) == 0 {
		return
	}
	fmt.Fprint(out, "\nMany at once, in s:\n\n")
	tables.Lines(out, "| failing | signals within | first signal to last restored | to last closed | last signal to last restored | Reprise's memory at the peak, MiB |",
		"|---|--:|--:|--:|--:|--:|")
	for _, t := range all {
		first, last := t.all[0].signal, t.all[0].signal
		restored, closed := t.all[0].restored, t.all[0].closed
		for _, m := range t.all {
			first, last = earlier(first, m.signal), later(last, m.signal)
			restored, closed = later(restored, m.restored), later(closed, m.closed)
		}
		fmt.Fprintf(out, "| %s | %.1f | %.1f | %.1f | %.1f | %.0f |\n", t.name, last.Sub(first).Seconds(),
			restored.Sub(first).Seconds(), closed.Sub(first).Seconds(), restored.Sub(last).Seconds(), float64(t.spent.peak)/(1<<20))
	}
}

// printSpent says who had the cores meanwhile: what others had was missing here.
func printSpent(out io.Writer, all []trial) {
	fmt.Fprint(out, "\nSeconds on a core meanwhile, from the first cause to the last closed Revision:\n\n")
	tables.Lines(out, "| failing | took | processes | other programs of the machine |", "|---|--:|---|--:|")
	for _, t := range all {
		s, others := t.spent, t.spent.machine
		var which []string
		for _, name := range slices.SortedFunc(maps.Keys(s.onCore), func(a, b string) int { return cmp.Compare(s.onCore[b], s.onCore[a]) }) {
			which = append(which, fmt.Sprintf("%s %.1f", name, s.onCore[name]))
			others -= s.onCore[name]
		}
		fmt.Fprintf(out, "| %s | %.1f | %s | %.1f |\n", t.name, s.took.Seconds(), strings.Join(which, ", "), others)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func printBaselines(out io.Writer, singles []trial, b baselines) {
	fmt.Fprint(out, "\nFrom the completed deploy of an image that is not found, in s:\n\n")
	tables.Lines(out, "| who | does | after |", "|---|---|--:|")
	for _, t := range singles {
		fmt.Fprintf(out, "| Reprise, %s | puts back (p50, p99) | %.1f, %.1f |\n", t.name,
			t.percentile(fromDeployed, 0.5).Seconds(), t.percentile(fromDeployed, 0.99).Seconds())
	}
	if b.told > 0 {
		fmt.Fprintf(out, "| the Deployment with progressDeadlineSeconds %.0f | says so | %.1f |\n", b.deadline.Seconds(), b.told.Seconds())
		fmt.Fprintf(out, "| with its default of %.0f, by the same | says so | %.1f |\n", byDefault.Seconds(), (b.told - b.deadline + byDefault).Seconds())
	}
	if b.helm > 0 {
		fmt.Fprintf(out, "| helm upgrade --rollback-on-failure | puts back | %.1f |\n", b.helm.Seconds())
	}
}
