package install

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/test/harness/load"
	"reprise.dev/reprise/test/harness/product"
)

func TestReplicasAreReplacedUnderLoadWithoutOneUncheckedApply(t *testing.T) {
	front := newBalancer(t)
	installed(t, own(front.port))
	flags := []string{"--cert-mode=" + selfSigned, "--shutdown-delay=3s"}
	type replica struct {
		*product.Instance
		port int
	}
	start := func(name string) replica {
		r := replica{port: port(t)}
		r.Instance = launched(t, name, r.port, flags...)
		ready(t, r.Instance)
		front.add(r.port)
		return r
	}
	running := []replica{start("replica-0"), start("replica-1")}
	trusted := bundle(t)
	l := load.Start(t, shared)
	for n := 2; n < 5; n++ {
		running = append(running, start(fmt.Sprintf("replica-%d", n)))
		oldest := running[0]
		running = running[1:]
		// The endpoint goes some time after the signal: meanwhile the API server calls on.
		gone := time.AfterFunc(time.Second, func() { front.remove(oldest.port) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if err := oldest.Terminate(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		gone.Stop()
	}
	changed := own(front.port)
	changed["defaults"] = map[string]any{"bakeTime": "7s"}
	for name, change := range map[string][]string{
		"upgrade":                   append([]string{"upgrade"}, installArgs(t, product.Release, product.Namespace, changed)...),
		"upgrade by the old engine": append([]string{"upgrade", "--server-side=false"}, installArgs(t, product.Release, product.Namespace, own(front.port))...),
		"rollback":                  {"rollback", product.Release, "1", "--namespace", product.Namespace},
	} {
		mustHelm(t, change...)
		if !bytes.Equal(bundle(t), trusted) {
			t.Errorf("helm %s changes the caBundle that Reprise has written", name)
		}
		if len(secret(t).Data["tls.crt"]) == 0 {
			t.Errorf("helm %s empties the Secret that Reprise has filled", name)
		}
	}
	l.Flawless()
}

func TestHelmPrintsNoWarningAtInstall(t *testing.T) {
	t.Cleanup(func() { cleanUp(t) })
	said := mustHelm(t, append([]string{"install"}, installArgs(t, product.Release, product.Namespace, own(port(t)))...)...)
	if strings.Contains(strings.ToLower(said), "warn") {
		t.Errorf("helm says:\n%s", said)
	}
}
