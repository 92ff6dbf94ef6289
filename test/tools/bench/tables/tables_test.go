package tables

import (
	"testing"
	"time"
)

func TestAPercentileIsOneOfTheTimes(t *testing.T) {
	times := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for p, want := range map[float64]time.Duration{0: 1, 0.5: 6, 0.99: 10, 1: 10} {
		if got := Percentile(times, p); got != want {
			t.Errorf("percentile %v is %v, want %v", p, got, want)
		}
	}
}
