// Package tutorial reads what Score wrote for the steps of the tutorial. It imports no harness, so
// that the tests of every harness may import it.
package tutorial

import (
	"os"
	"strings"
	"testing"
)

// WithoutRoute returns the manifests of a file without the HTTPRoute that precedes the Service: a
// cluster without a gateway does not know its kind.
func WithoutRoute(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const service = "apiVersion: v1\nkind: Service"
	_, rest, found := strings.Cut(string(data), "---\n"+service)
	if !found {
		t.Fatalf("%s holds no Service", file)
	}
	return service + rest
}
