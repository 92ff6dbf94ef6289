package rollback

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/config"
)

func TestBackoff_LimitsAreDocumented(t *testing.T) {
	page := documented(t)
	for _, row := range []string{
		fmt.Sprintf("| rollbacks of one workload within an hour | %d |", maxRollbacks),
		fmt.Sprintf("| pause before the second, third, fourth and fifth rollback | %s, %s, %s, %s |", pauses[0], pauses[1], pauses[2], pauses[3]),
		fmt.Sprintf("(`rollback.maxConcurrent`) | %d |", config.Default().Rollback.MaxConcurrent),
		fmt.Sprintf("from %s to 10m", firstRecheck),
		fmt.Sprintf("half of its age | %s to %s |", firstRetry, lastRetry),
	} {
		if !strings.Contains(page, row) {
			t.Errorf("docs/rollback.md lacks %q", row)
		}
	}
}

func TestDecide_HoldReasonsAreDocumented(t *testing.T) {
	page := documented(t)
	for _, reason := range v1alpha1.HoldReasons() {
		if rows := strings.Count(page, fmt.Sprintf("\n| `%s` | ", reason)); rows != 1 {
			t.Errorf("docs/rollback.md has %d rows for %s, want one", rows, reason)
		}
	}
}

// documented returns docs/rollback.md.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "docs", "rollback.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
