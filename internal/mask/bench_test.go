package mask_test

import (
	"strings"
	"testing"

	"reprise.dev/reprise/internal/mask"
)

func BenchmarkText_1KiB(b *testing.B) {
	for name, line := range map[string]string{
		"Credentials": "level=info msg=\"connected\" url=postgres://app:s3cret@db/x n=1\n",
		"Plain":       "2026-11-25T03:04:05Z INFO served path=/api/v1/items status=200\n",
		"Colors":      "\x1b[32mINFO\x1b[0m served path=/api/v1/items status=200 100% done\n",
	} {
		text := strings.Repeat(line, 1024/len(line))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mask.Text(text)
			}
		})
	}
}
