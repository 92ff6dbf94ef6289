package quantity

import "testing"

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{"0.5Gi", "512Mi", true}, {"1", int64(1), true}, {"1000m", 1.0, true}, {"1Mi", "1M", false},
		{"many", "many", false}, {"1", "many", false}, {nil, nil, false},
	} {
		if got := Equal(tt.a, tt.b); got != tt.want {
			t.Errorf("Equal(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
