package main

import (
	"context"

	"reprise.dev/reprise/test/harness/cluster"
)

// pair is an object as etcd holds it.
type pair struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

// etcd reads and writes the cluster's etcd past the API server.
type etcd struct{ cluster *cluster.Cluster }

// read returns the objects whose keys begin with prefix.
func (e etcd) read(ctx context.Context, prefix string) ([]pair, error) {
	end := []byte(prefix)
	end[len(end)-1]++
	var answer struct {
		Pairs []pair `json:"kvs"`
	}
	err := e.cluster.AskEtcd(ctx, "/v3/kv/range", map[string][]byte{"key": []byte(prefix), "range_end": end}, &answer)
	return answer.Pairs, err
}

// write stores objects, in one transaction.
func (e etcd) write(ctx context.Context, pairs []pair) error {
	type operation struct {
		Put pair `json:"requestPut"`
	}
	var all []operation
	for _, p := range pairs {
		all = append(all, operation{p})
	}
	var answer struct{}
	return e.cluster.AskEtcd(ctx, "/v3/kv/txn", map[string]any{"success": all}, &answer)
}

// size is how many bytes keys and values take, without what etcd adds and without older versions.
func size(pairs []pair) int {
	n := 0
	for _, p := range pairs {
		n += len(p.Key) + len(p.Value)
	}
	return n
}
