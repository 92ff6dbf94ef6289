package main

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestMaskedCore(t *testing.T) {
	const hostile = "a\x1b[31m pass\u200bword\x00=Hunter2leakZq9\n\u202e"
	core, logs := observer.New(zapcore.InfoLevel)
	log := zap.New(maskedCore{core}).With(zap.String("with", hostile))
	log.Debug(hostile)
	log.Info(hostile, zap.String("a", hostile), zap.Error(errors.New(hostile)), zap.Strings("b", []string{hostile}), zap.ByteString("c", []byte(hostile)),
		zap.String("password", "Hunter2leakZq9"), zap.Int("d", 1), zap.Any("e", []string{hostile}))
	if logs.Len() != 1 {
		t.Fatalf("%d entries", logs.Len())
	}
	entry := logs.All()[0]
	encoded, err := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()).EncodeEntry(entry.Entry, entry.Context)
	if err != nil {
		t.Fatal(err)
	}
	text := encoded.String()
	for _, part := range []string{"Hunter2", `\u001b`, `\u0000`, "\u202e"} {
		if strings.Contains(text, part) {
			t.Errorf("the log holds %q: %s", part, text)
		}
	}
	if strings.Count(text, "a password=***") != 7 || !strings.Contains(text, `"d":1`) {
		t.Errorf("the log lacks text: %s", text)
	}
}
