package main

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
)

// live does what it is told until the end, or until it is asked to end.
func (b behaviour) live(ends <-chan os.Signal) {
	if b.memory > 0 {
		go fill(b.memory)
	}
	if b.logEvery > 0 {
		go b.log()
	}
	go b.serve()
	var crash <-chan time.Time
	if b.exitAfter >= 0 {
		crash = time.After(b.exitAfter)
	}
	select {
	case <-ends:
		fmt.Println("asked to end")
	case <-crash:
		if b.message != "" {
			fmt.Fprintln(os.Stderr, b.message)
			_ = os.WriteFile("/dev/termination-log", []byte(b.message), 0o644) // there is none outside of a pod
		}
		os.Exit(b.exitCode)
	}
}

// fill takes and touches the memory in a second, for the kernel to kill it on the way.
func fill(mebibytes int) {
	var held [][]byte
	for range 100 {
		part := make([]byte, mebibytes<<20/100)
		for i := 0; i < len(part); i += 4096 {
			part[i] = 1
		}
		held = append(held, part)
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("holding", len(held), "parts of", mebibytes, "MiB")
	time.Sleep(time.Hour)
	runtime.KeepAlive(held)
}

func (b behaviour) log() {
	for i := 1; ; i++ {
		fmt.Println("line", i)
		time.Sleep(b.logEvery)
	}
}

// serve answers 200 at /readyz and /healthz until they fail, and at / always, as podinfo does.
// Whatever else is 404.
func (b behaviour) serve() {
	time.Sleep(b.slowStart)
	begun := time.Now()
	var mu sync.Mutex
	failing := map[string]bool{}
	late := map[string]time.Duration{"readyz": b.unreadyAfter, "healthz": b.deadAfter}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, os.Getenv("PODINFO_UI_MESSAGE")) })
	for probe, after := range late {
		mux.HandleFunc("GET /"+probe, func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if failing[probe] || after >= 0 && time.Since(begun) >= after {
				http.Error(w, probe+" fails", http.StatusServiceUnavailable)
			}
		})
	}
	mux.HandleFunc("POST /{how}/{probe}", func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		failing[r.PathValue("probe")] = strings.HasPrefix(r.PathValue("how"), "fail")
	})
	if err := http.ListenAndServe(fmt.Sprintf(":%d", b.port), mux); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
