package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/tools/bench/rig"
)

// moments are those of one rollback, by the API server's clock: of each write when it was
// completed.
type moments struct {
	// deployed is the deploy that fails, zero where it came before the time that is looked at.
	deployed time.Time
	// signal is when what is stored first says that it has failed.
	signal time.Time
	// asked is the arrival of the first request that Reprise sent after the signal.
	asked time.Time
	// failed is the phase Failed with its evidence, planned the rollback written ahead, restored the
	// update of the Deployment, owned the ownership of its fields, closed the end of the failed
	// revision.
	failed, planned, restored, owned, closed time.Time
	// served is for how much of the time from signal to restored the API server worked on what Reprise
	// sent.
	served time.Duration
	// calls are what Reprise sent in that time.
	calls []rig.Call
}

// accounts are the calls of the audit log, by the workloads that they are about.
type accounts map[types.NamespacedName][]rig.Call

// isWorkload finds a workload's name in that of what belongs to it, and in a selector.
var isWorkload = regexp.MustCompile(`\bw-\d{4}`)

func accountsOf(calls []rig.Call) accounts {
	all := accounts{}
	for _, c := range calls {
		name := cmp.Or(isWorkload.FindString(c.Name), isWorkload.FindString(c.Selector))
		if name != "" {
			key := types.NamespacedName{Namespace: c.Namespace, Name: name}
			all[key] = append(all[key], c)
		}
	}
	return all
}

// storedAt gives what was seen the time of the write that stored it: the last one of that object
// that had arrived by then.
func storedAt(seen []observation, calls []rig.Call) []observation {
	dated := slices.Clone(seen)
	for i, o := range dated {
		for _, c := range calls {
			resource, _, _ := strings.Cut(c.Resource, "/")
			if resource == o.resource && c.Name == o.object.GetName() && c.Write() && !c.DryRun && c.Received.Before(o.at) {
				dated[i].at = c.Completed
			}
		}
	}
	slices.SortStableFunc(dated, func(a, b observation) int { return a.at.Compare(b.at) })
	return dated
}

// written is what a status patch says of a rollback.
type written struct {
	Status struct {
		Phase    v1alpha1.Phase
		Rollback *struct {
			State v1alpha1.RollbackState
		}
	}
}

// momentsOf finds the moments of a workload's rollback from its revision of a number, since a time.
func momentsOf(key types.NamespacedName, number int64, since time.Time, seen []observation, calls []rig.Call) (moments, error) {
	var m moments
	var found bool
	if m.signal, found = signalled(storedAt(seen, calls), since); !found {
		return m, fmt.Errorf("nothing that was stored of %s says that #%d failed", key, number)
	}
	for _, c := range calls {
		switch {
		case c.Received.Before(since) || c.Refused || c.DryRun:
		case c.User != rig.Account:
			if c.Resource == "deployments" && m.deployed.IsZero() {
				m.deployed = c.Completed
			}
		case c.Resource == "deployments" && c.Verb == "update":
			m.restored = c.Completed
		case c.Resource == "deployments" && c.Verb == "patch":
			m.owned = c.Completed
		case c.Resource == "workloadrevisions/status" && c.Name == history.Name(key.Name, number) && c.Verb == "patch":
			if err := m.note(c); err != nil {
				return m, err
			}
		}
	}
	if m.failed.IsZero() || m.planned.IsZero() || m.restored.IsZero() || m.owned.IsZero() || m.closed.IsZero() {
		return m, fmt.Errorf("the audit log does not hold the whole rollback of %s from #%d: %+v", key, number, m)
	}
	m.share(calls)
	return m, nil
}

// note takes a moment out of a patch of the failed revision's status.
func (m *moments) note(c rig.Call) error {
	var w written
	if err := json.Unmarshal(c.Body, &w); err != nil {
		return fmt.Errorf("reading a patch of %s in the audit log: %w", c.Name, err)
	}
	plan := w.Status.Rollback
	switch {
	case plan != nil && plan.State == v1alpha1.RollbackDone:
		m.closed = c.Completed
	case plan != nil && plan.State == v1alpha1.RollbackExecuting:
		m.planned = c.Completed
	case w.Status.Phase == v1alpha1.PhaseFailed:
		m.failed = c.Completed
	}
	return nil
}

// share finds what Reprise sent between the signal and the restored Deployment, and how much of
// that time the API server worked on it. What runs side by side counts once.
func (m *moments) share(calls []rig.Call) {
	own := slices.DeleteFunc(slices.Clone(calls), func(c rig.Call) bool {
		return c.User != rig.Account || c.Received.Before(m.signal) || c.Received.After(m.restored)
	})
	slices.SortStableFunc(own, func(a, b rig.Call) int { return a.Received.Compare(b.Received) })
	end := m.signal
	for _, c := range own {
		if m.asked.IsZero() {
			m.asked = c.Received
		}
		from, until := c.Received, c.Completed
		if from.Before(end) {
			from = end
		}
		if until.After(m.restored) {
			until = m.restored
		}
		if until.After(from) {
			m.served += until.Sub(from)
			end = until
		}
	}
	m.calls = own
}
