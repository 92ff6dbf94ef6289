package guard

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGather_LimitsAreDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "rollback.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| time to read all evidence of a failure | %s |", evidenceTime),
		fmt.Sprintf("| time after which an open rollback that the API server rejects is held | %s |", trouble),
		fmt.Sprintf("| failing containers in the evidence | %d |", maxEvidence),
		fmt.Sprintf("| lines and bytes of one log | %d, %d |", maxLogLines, maxLogBytes),
		fmt.Sprintf("| Events of one pod | %d |", maxPodEvents),
		fmt.Sprintf("| lines and bytes of the saved difference | %d, %d |", maxDiffLines, maxDiffBytes),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/rollback.md lacks %q", row)
		}
	}
}
