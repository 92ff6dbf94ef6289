package webhook

import (
	"net/url"
	"time"
)

const (
	// usualTimeout is the API server's when its call does not say
	// (k8s.io/apiserver/pkg/util/webhook: it always does; this is for other callers).
	usualTimeout = 2 * time.Second
	// longestTimeout is the longest that a webhook configuration may state.
	longestTimeout = 30 * time.Second
)

// deadline is how long a review may take: four fifths of what the API server
// waits, which it sends as ?timeout=, so that the answer arrives in time.
func deadline(called *url.URL) time.Duration {
	timeout, err := time.ParseDuration(called.Query().Get("timeout"))
	if err != nil || timeout <= 0 {
		timeout = usualTimeout
	}
	return min(timeout, longestTimeout) * 4 / 5
}
