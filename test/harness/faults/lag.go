package faults

import (
	"context"
	"io"
	"net/http"
	"time"
)

// Lag has a cache know less than the API server does.
type Lag struct {
	// From is the resourceVersion as of which caches are filled at the start; empty means now. What
	// came since reaches them by their watches.
	From string
	// Delay is by how much each piece of a watch comes late.
	Delay time.Duration
}

// read sends a read. A cache fills itself by a watch that begins with what is stored, and where
// that is refused by a list of any age (k8s.io/client-go/tools/cache/reflector.go); only the list
// can be had of the past.
func (l Lag) read(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	query := r.URL.Query()
	watch := query.Get("watch") == "true"
	switch {
	case l.From != "" && query.Get("sendInitialEvents") == "true":
		return answer(r, http.StatusBadRequest, "BadRequest", "a test has the cache list"), nil
	case l.From != "" && !watch && query.Get("resourceVersion") == "0":
		query.Set("resourceVersion", l.From)
		query.Set("resourceVersionMatch", "Exact")
		r = r.Clone(r.Context())
		r.URL.RawQuery = query.Encode()
	}
	got, err := next.RoundTrip(r)
	if err == nil && watch && l.Delay > 0 {
		got.Body = late{ReadCloser: got.Body, ctx: r.Context(), by: l.Delay}
	}
	return got, err
}

// late hands on what it reads later.
type late struct {
	io.ReadCloser
	ctx context.Context
	by  time.Duration
}

// Read implements io.Reader.
func (l late) Read(into []byte) (int, error) {
	n, err := l.ReadCloser.Read(into)
	timer := time.NewTimer(l.by)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.ctx.Done():
	}
	return n, err
}
