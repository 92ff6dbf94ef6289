package webhook

import (
	"net/url"
	"time"
)

const (
	// defaultTimeout replaces a missing timeout parameter. The API server always sends one
	// (k8s.io/apiserver/pkg/util/webhook).
	defaultTimeout = 2 * time.Second
	// longestTimeout is the longest timeout that a webhook configuration may set.
	longestTimeout = 30 * time.Second
)

// deadline returns how long a review may take: four fifths of the API server's timeout, which it
// sends as ?timeout=, so that the response arrives in time.
func deadline(called *url.URL) time.Duration {
	timeout, err := time.ParseDuration(called.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		timeout = defaultTimeout
	}
	return min(timeout, longestTimeout) * 4 / 5
}
