package workload

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestIsReservedKey_ThePageListsEveryKey(t *testing.T) {
	page, err := os.ReadFile("../docs/rollback.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Concat(appliedKeys, controllerDomains, []string{releaseDomain}, toolKeys, stampKeys, stampDomains) {
		if !strings.Contains(string(page), "`"+key+"`") {
			t.Errorf("docs/rollback.md does not list %s", key)
		}
	}
}
