package rollback

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reprise.dev/reprise/config"
)

func TestTheDocumentedBoundsAreTheBounds(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "rollback.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| rollbacks of one workload within an hour | %d |", maxRollbacks),
		fmt.Sprintf("| pause before the second, third, fourth and fifth of them | %s, %s, %s, %s |", pauses[0], pauses[1], pauses[2], pauses[3]),
		fmt.Sprintf("(`rollback.maxAtOnce`) | %d |", config.Default().Rollback.MaxAtOnce),
		fmt.Sprintf("| time to read all evidence of a failure | %s |", evidenceTime),
		fmt.Sprintf("| failing containers kept | %d |", maxEvidence),
		fmt.Sprintf("| lines and bytes of one log | %d, %d |", maxLogLines, maxLogBytes),
		fmt.Sprintf("| events kept of one pod | %d |", maxPodEvents),
		fmt.Sprintf("| lines and bytes of the difference kept | %d, %d |", maxDiffLines, maxDiffBytes),
		fmt.Sprintf("at least %s and at most 10m", firstRecheck),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/rollback.md lacks %q", row)
		}
	}
}
