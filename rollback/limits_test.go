package rollback

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reprise.dev/reprise/internal/config"
)

func TestTheDocumentedBoundsAreTheBounds(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "rollback.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{
		fmt.Sprintf("| rollbacks of one workload within an hour | %d |", maxRollbacks),
		fmt.Sprintf("| pause before the second, third, fourth and fifth rollback | %s, %s, %s, %s |", pauses[0], pauses[1], pauses[2], pauses[3]),
		fmt.Sprintf("(`rollback.maxConcurrent`) | %d |", config.Default().Rollback.MaxConcurrent),
		fmt.Sprintf("at least %s and at most 10m", firstRecheck),
	} {
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/rollback.md lacks %q", row)
		}
	}
}
