package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/uuid"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// perWrite is how many objects one write to etcd holds: it takes 1.5 MiB at most.
const perWrite = 20

// original is an object that is copied.
type original struct {
	pair
	// uids are those that stand in it.
	uids []string
	// live is the revision of the live intent, nil in all other objects: only its hash is compared
	// with anything.
	live *v1alpha1.WorkloadRevision
}

// originals reads the workload that is copied out of etcd: it, its ReplicaSets, its pod and its
// revisions.
func (st *stage) originals(ctx context.Context, live *v1alpha1.WorkloadRevision) ([]original, error) {
	store := etcd{st.Cluster}
	isUID := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	var all []original
	for _, resource := range []string{"deployments", "replicasets", "pods", "reprise.dev/workloadrevisions"} {
		pairs, err := store.read(ctx, "/registry/"+resource+"/"+patternNamespace+"/"+pattern)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			o := original{pair: p}
			uids := map[string]bool{}
			for _, uid := range isUID.FindAll(p.Value, -1) {
				uids[string(uid)] = true
			}
			o.uids = slices.Sorted(maps.Keys(uids))
			if bytes.HasSuffix(p.Key, []byte("workloadrevisions/"+patternNamespace+"/"+live.Name)) {
				o.live = live
			}
			all = append(all, o)
		}
	}
	return all, nil
}

// copyOriginals stores the n-th copy. Snapshots stay those of the original, since nobody opens
// them. Every replacement is as long as what it replaces: built-in objects are stored as protobuf,
// which counts bytes.
func copyOriginals(ctx context.Context, store etcd, all []original, n int) error {
	name, namespace := fmt.Sprintf("workload-%05d", n), seededNamespace(n)
	uids := map[string]string{}
	var copies []pair
	for _, o := range all {
		replace := []string{pattern, name, patternNamespace, namespace}
		for _, uid := range o.uids {
			if uids[uid] == "" {
				uids[uid] = string(uuid.NewUUID())
			}
			replace = append(replace, uid, uids[uid])
		}
		if o.live != nil {
			hash, err := hashUnder(o.live, name)
			if err != nil {
				return err
			}
			replace = append(replace, o.live.Spec.IntentHash, hash)
		}
		c := pair{Key: o.Key, Value: o.Value}
		for i := 0; i < len(replace); i += 2 {
			was, is := []byte(replace[i]), []byte(replace[i+1])
			c.Key, c.Value = bytes.ReplaceAll(c.Key, was, is), bytes.ReplaceAll(c.Value, was, is)
		}
		copies = append(copies, c)
	}
	for some := range slices.Chunk(copies, perWrite) {
		if err := store.write(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// hashUnder is the hash of a revision's intent for a workload of another name.
func hashUnder(r *v1alpha1.WorkloadRevision, name string) (string, error) {
	contents, err := history.DecodeSnapshot(r)
	if err != nil {
		return "", err
	}
	encoded, err := json.Marshal(contents.Intent)
	if err != nil {
		return "", err
	}
	var intent workload.Intent
	err = json.Unmarshal(bytes.ReplaceAll(encoded, []byte(pattern), []byte(name)), &intent)
	return intent.Hash(), err
}
