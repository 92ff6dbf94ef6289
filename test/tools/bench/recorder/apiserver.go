package main

import (
	"context"
	"fmt"
)

// ofCollectedAPIServer reads metrics of the API server's Go runtime after a garbage collection.
func (st *stage) ofCollectedAPIServer(ctx context.Context, names ...string) ([]float64, error) {
	if err := st.Raw.Discovery().RESTClient().Get().AbsPath("/debug/pprof/heap").Param("gc", "1").Do(ctx).Error(); err != nil {
		return nil, fmt.Errorf("having the API server collect garbage: %w", err)
	}
	return st.OfAPIServer(ctx, names...)
}
