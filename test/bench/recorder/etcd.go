package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"reprise.dev/reprise/test/cluster"
)

// pair is an object as etcd holds it.
type pair struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

// etcd is a client of etcd's JSON gateway.
type etcd struct{ address string }

// etcd finds the cluster's etcd: its log says in a field where it serves.
func (st *stage) etcd() (etcd, error) {
	logs, err := st.cluster.Logs(cluster.Etcd)
	if err != nil {
		return etcd{}, err
	}
	for line := range strings.Lines(logs) {
		var entry struct{ Traffic, Address string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Traffic != "" && entry.Address != "" {
			return etcd{entry.Address}, nil
		}
	}
	return etcd{}, errors.New("etcd's log does not say where it serves")
}

// read returns the objects whose keys begin with prefix.
func (e etcd) read(ctx context.Context, prefix string) ([]pair, error) {
	end := []byte(prefix)
	end[len(end)-1]++
	var answer struct {
		Pairs []pair `json:"kvs"`
	}
	err := e.ask(ctx, "/v3/kv/range", map[string][]byte{"key": []byte(prefix), "range_end": end}, &answer)
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
	return e.ask(ctx, "/v3/kv/txn", map[string]any{"success": all}, &answer)
}

func (e etcd) ask(ctx context.Context, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.address+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking etcd for %s: %s: %s", path, response.Status, text)
	}
	return json.Unmarshal(text, answer)
}

// size is how many bytes keys and values take, without what etcd adds and without older versions.
func size(pairs []pair) int {
	n := 0
	for _, p := range pairs {
		n += len(p.Key) + len(p.Value)
	}
	return n
}
