package guard

import "testing"

func TestIsKubeletNotice(t *testing.T) {
	for text, want := range map[string]bool{
		"unable to retrieve container logs for containerd://abc":                                  true,
		`failed to try resolving symlinks in path "/var/log/pods/a/b/0.log": lstat: no such file`: true,
		"panic: unable to retrieve container logs for the report":                                 false,
		"starting": false,
	} {
		if got := isKubeletNotice(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
