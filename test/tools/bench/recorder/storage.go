package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// way is one way to store a revision, and what was measured of it.
type way struct {
	name string
	// prefix is that of the payload's keys in etcd, for a namespace; empty where the revision holds
	// everything.
	prefix string
	// objects makes what is stored: the payload, nil where there is none of its own, and the revision.
	objects func(r *v1alpha1.WorkloadRevision, namespace, name string) (client.Object, *v1alpha1.WorkloadRevision, error)

	// writes are those until the revision has a phase; took is what they took together, sorted, as the
	// client saw it.
	writes int
	took   []time.Duration
	// bytes are those in etcd per revision, revisionBytes those of its revision, which each status
	// write stores anew.
	bytes, revisionBytes int
	// apiServer is by how many bytes per revision the API server's live heap grew.
	apiServer int
}

func ways() []way {
	return []way{
		{name: "Revision", objects: whole},
		{name: "ControllerRevision + small Revision", prefix: "/registry/controllerrevisions/%s/", objects: inControllerRevision},
		{name: "immutable ConfigMap, compressed + small Revision", prefix: "/registry/configmaps/%s/stored-", objects: inConfigMap},
	}
}

// store stores the same revision in each way, n times, and measures it. The revision is one that
// Reprise recorded in a namespace.
func (st *stage) store(ctx context.Context, from string, n int) ([]way, []part, error) {
	sample, err := st.newest(ctx, from, "w-0")
	if err != nil {
		return nil, nil, err
	}
	parts, err := partsOf(sample)
	if err != nil {
		return nil, nil, err
	}
	all := ways()
	// The largest comes last: what the API server keeps of it for a while would be freed during
	// another's measurement.
	for i := range slices.Backward(all) {
		fmt.Fprintf(st.Progress, "storing %d revisions: %s\n", n, all[i].name)
		namespace := fmt.Sprintf("stored-%d", i)
		if err := st.Namespace(ctx, namespace, nil); err != nil {
			return nil, nil, err
		}
		if err := st.measureWay(ctx, &all[i], sample, namespace, n); err != nil {
			return nil, nil, fmt.Errorf("storing as %s: %w", all[i].name, err)
		}
	}
	return all, parts, nil
}

func (st *stage) measureWay(ctx context.Context, w *way, sample *v1alpha1.WorkloadRevision, namespace string, n int) error {
	const heap = "go_gc_heap_live_bytes"
	before, err := st.ofCollectedAPIServer(ctx, heap)
	if err != nil {
		return err
	}
	for i := range n {
		payload, revision, err := w.objects(sample, namespace, fmt.Sprintf("stored-%d", i))
		if err != nil {
			return err
		}
		began := time.Now()
		w.writes = 2
		if payload != nil {
			w.writes++
			if err := st.Deployer.Create(ctx, payload); err != nil {
				return err
			}
		}
		if err := st.record(ctx, revision); err != nil {
			return err
		}
		w.took = append(w.took, time.Since(began))
	}
	slices.Sort(w.took)
	after, err := st.ofCollectedAPIServer(ctx, heap)
	if err != nil {
		return err
	}
	w.apiServer = int(after[0]-before[0]) / n
	return st.measureBytes(ctx, w, namespace, n)
}

// record writes a revision with the writes that Reprise does: its status is no part of a create.
func (st *stage) record(ctx context.Context, r *v1alpha1.WorkloadRevision) error {
	status := r.Status
	if err := st.Own.Create(ctx, r); err != nil {
		return err
	}
	r.Status = status
	return st.Own.Status().Update(ctx, r)
}

func (st *stage) measureBytes(ctx context.Context, w *way, namespace string, n int) error {
	store := etcd{st.Cluster}
	revisions, err := store.read(ctx, "/registry/reprise.dev/workloadrevisions/"+namespace+"/")
	if err != nil {
		return err
	}
	w.revisionBytes = size(revisions) / n
	w.bytes = w.revisionBytes
	if w.prefix != "" {
		payloads, err := store.read(ctx, fmt.Sprintf(w.prefix, namespace))
		if err != nil {
			return err
		}
		w.bytes += size(payloads) / n
	}
	return nil
}

// part is a part of a revision, and how many bytes it takes as JSON.
type part struct {
	name  string
	bytes int
}

// partsOf says what takes how much of a revision, and what its snapshot would take without
// compression.
func partsOf(r *v1alpha1.WorkloadRevision) ([]part, error) {
	contents, err := history.DecodeSnapshot(r)
	if err != nil {
		return nil, err
	}
	remembered, errRemembered := json.Marshal(contents.Intent.Annotations[workload.LastApplied])
	intent, errIntent := json.Marshal(contents.Intent)
	owners, errOwners := json.Marshal(contents.ManagedFields)
	held, errHeld := json.Marshal(r.Spec.Snapshot.Data)
	own, errOwn := json.Marshal(r.ManagedFields)
	all, errAll := json.Marshal(r)
	return []part{
		{"the snapshot", len(held)},
		{"who owns which field of the Revision", len(own)},
		{"everything else", len(all) - len(held) - len(own)},
		{"(in the snapshot, before it is compressed: the intent, without the next)", len(intent) - len(remembered)},
		{"(kubectl's memory of its last manifest)", len(remembered)},
		{"(who owned which field of the Deployment)", len(owners)},
	}, errors.Join(errRemembered, errIntent, errOwners, errHeld, errOwn, errAll)
}
