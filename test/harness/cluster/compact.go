package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Compact has etcd forget all but the present, as it does of itself after a while: a watch that
// would start before now is then answered with 410 Gone, once the API server was restarted and has
// forgotten too.
func (c *Cluster) Compact(ctx context.Context) error {
	var present struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	if err := c.AskEtcd(ctx, "/v3/kv/range", map[string]any{"key": "AA==", "limit": 1}, &present); err != nil {
		return err
	}
	var done struct{}
	return c.AskEtcd(ctx, "/v3/kv/compaction", map[string]any{"revision": present.Header.Revision, "physical": true}, &done)
}

// AskEtcd posts a question to etcd's JSON gateway, past the API server, and decodes the answer.
func (c *Cluster) AskEtcd(ctx context.Context, path string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("asking etcd: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+loopback(c.etcdPort)+path, bytes.NewReader(body))
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
