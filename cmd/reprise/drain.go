package main

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"
)

// drainer delays the shutdown so that no call of the API server is cut off. The API server keeps
// connections open and may choose an idle one while it is being closed; a POST that fails this way
// is not retried.
type drainer struct {
	delay  time.Duration
	ending atomic.Bool
}

// after returns a context that ends the delay after ctx does. Meanwhile every request is served,
// and its response closes the connection, so that the next call reaches another replica.
func (d *drainer) after(ctx context.Context) context.Context {
	if d.delay <= 0 {
		return ctx
	}
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		d.ending.Store(true)
		time.AfterFunc(d.delay, cancel)
	})
	return late
}

// closing wraps a handler so that its responses close their connections during the delay.
func (d *drainer) closing(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.ending.Load() {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}
