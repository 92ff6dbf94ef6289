package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func contextThatEnded(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

func TestDrainer_After(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := drainer{delay: 10 * time.Second}
		closes := func() bool {
			response := httptest.NewRecorder()
			d.closing(http.NotFoundHandler()).ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/", nil))
			return response.Header().Get("Connection") == "close"
		}
		ctx, end := context.WithCancel(t.Context())
		late := d.after(ctx)
		synctest.Wait()
		if late.Err() != nil || closes() {
			t.Errorf("while it runs: %v, responses close connections: %t", late.Err(), closes())
		}
		end()
		synctest.Wait()
		time.Sleep(9 * time.Second)
		if late.Err() != nil || !closes() {
			t.Errorf("during the delay: %v, responses close connections: %t", late.Err(), closes())
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if late.Err() == nil {
			t.Error("it runs after the delay")
		}
	})
}

func TestDrainer_AfterWithoutADelay(t *testing.T) {
	ctx, cancel := contextThatEnded(t)
	defer cancel()
	if (&drainer{}).after(ctx) != ctx {
		t.Error("another context is returned")
	}
}
