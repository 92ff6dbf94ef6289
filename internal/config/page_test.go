package config

import (
	"os"
	"strings"
	"testing"
)

func TestConfig_flat_IsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/configure.md")
	if err != nil {
		t.Fatal(err)
	}
	keys := Default().flat()
	keys["policies.overrides"], keys["policies.exemptions"] = "", ""
	for key := range keys {
		if !strings.Contains(string(page), "| `"+key+"` |") {
			t.Errorf("docs/configure.md says nothing of %s", key)
		}
	}
}
