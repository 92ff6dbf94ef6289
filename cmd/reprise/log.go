package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"reprise.dev/reprise/internal/mask"
)

// maskedCore writes a log without credentials and without what controls a terminal, whoever logs.
type maskedCore struct{ zapcore.Core }

// With returns a core that adds fields to each entry.
func (c maskedCore) With(fields []zapcore.Field) zapcore.Core {
	return maskedCore{c.Core.With(maskFields(fields))}
}

// Check adds this core to the entry if its level is logged.
func (c maskedCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write masks an entry and its fields, and writes them.
func (c maskedCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	entry.Message = mask.Line(entry.Message)
	return c.Core.Write(entry, maskFields(fields))
}

// maskFields returns the fields as plain data without credentials.
func maskFields(fields []zapcore.Field) []zapcore.Field {
	masked := make([]zapcore.Field, 0, len(fields))
	for _, f := range fields {
		plain := zapcore.NewMapObjectEncoder()
		f.AddTo(plain)
		for _, key := range slices.Sorted(maps.Keys(plain.Fields)) {
			masked = append(masked, zap.Any(key, maskData(key, plain.Fields[key])))
		}
	}
	return masked
}

// maskData masks the texts in a value.
func maskData(name string, value any) any {
	switch value := value.(type) {
	case string:
		return mask.Value(name, mask.Line(value))
	case bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, uintptr, float32, float64, time.Time, time.Duration, nil:
		return value
	case []any:
		for i := range value {
			value[i] = maskData(name, value[i])
		}
		return value
	case map[string]any:
		for key := range value {
			value[key] = maskData(key, value[key])
		}
		return value
	}
	var data any // A structure: what JSON makes of it is what would be logged.
	if encoded, err := json.Marshal(value); err != nil || json.Unmarshal(encoded, &data) != nil {
		return mask.Line(fmt.Sprint(value))
	}
	return maskData(name, data)
}
