package command

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestWithin(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	endless := func() (int, error) { <-end; return 0, nil }
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		reason string
		ctx    context.Context
		most   time.Duration
		memory uint64
		work   func() (int, error)
		want   string
	}{
		{"it ends in time", t.Context(), time.Minute, 1 << 40, func() (int, error) { return 1, nil }, ""},
		{"it takes too long", t.Context(), time.Millisecond, 1 << 40, endless, "took more than 1ms"},
		{"it takes too much memory", t.Context(), time.Minute, 1 << 10, endless, "took more than 0 MiB"},
		{"the user interrupts it", canceled, time.Minute, 1 << 40, endless, "canceled"},
	} {
		got, err := within(test.ctx, test.most, test.memory, test.work)
		if test.want == "" && (err != nil || got != 1) || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d, %v, want %q", test.reason, got, err, test.want)
		}
	}
}
