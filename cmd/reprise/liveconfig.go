package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/history/gc"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// eventWriter writes Events.
type eventWriter interface {
	Write(context.Context, event.Event) error
}

// liveConfig is the active configuration. It applies a changed file completely or not at all;
// changes of some keys wait for a restart (config.Config.Pinned).
type liveConfig struct {
	path string
	// configMap is what the file is mounted from; without a name no Event is written.
	configMap corev1.ObjectReference
	started   config.Config
	active    atomic.Pointer[config.Config]
	policies  interface {
		setOverrides(context.Context, policy.Overrides) error
	}
	clients kubernetes.Interface
	events  eventWriter
	log     logr.Logger
	// changed makes the rollback controller reconcile every workload; it has room for one message.
	changed chan controllerevent.GenericEvent
	// valid is 1 if the current file is active, 0 if an older one is.
	valid prometheus.Gauge
}

// setupConfig applies changes of the configuration file while the process runs.
func (p *process) setupConfig(context.Context) error {
	p.live = newLiveConfig(p.config)
	p.live.path, p.live.policies, p.live.clients, p.live.events = p.options.config, p.policies, p.clients, p.events
	p.live.configMap = corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: p.options.namespace, Name: p.options.configMap}
	p.live.log = ctrl.Log.WithName("configuration")
	if err := metrics.Registry.Register(p.live.valid); err != nil {
		return fmt.Errorf("registering the configuration's metrics: %w", err)
	}
	if p.options.config == "" {
		return nil
	}
	if err := p.manager.Add(p.live); err != nil {
		return fmt.Errorf("adding the configuration: %w", err)
	}
	return nil
}

func newLiveConfig(started config.Config) *liveConfig {
	l := &liveConfig{
		started: started, changed: make(chan controllerevent.GenericEvent, 1),
		valid: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reprise_config_last_reload_successful",
			Help: "1 if the current configuration file is active, 0 if an older one is.",
		}),
	}
	l.active.Store(&started)
	l.valid.Set(1)
	return l
}

func (l *liveConfig) defaults() workload.Settings  { return l.active.Load().Defaults }
func (l *liveConfig) maxPerMinute() int            { return l.active.Load().History.MaxPerMinute }
func (l *liveConfig) retainDeleted() time.Duration { return l.active.Load().History.RetainDeleted }

func (l *liveConfig) historyBounds() gc.Bounds {
	h := l.active.Load().History
	return gc.Bounds{Bytes: int64(h.MaxMebibytes) << 20, Deleted: h.MaxDeleted}
}

// apply activates a content. If it returns an error, the previous configuration stays active.
func (l *liveConfig) apply(ctx context.Context, content string) error {
	next, err := config.Parse([]byte(content))
	if err != nil {
		return err
	}
	next, waiting := next.Pinned(l.started)
	changes := config.Changes(*l.active.Load(), next)
	if slices.ContainsFunc(changes, func(change string) bool { return strings.HasPrefix(change, "policies.") }) {
		if err := l.policies.setOverrides(ctx, next.Policies); err != nil {
			return err
		}
	}
	l.active.Store(&next)
	l.valid.Set(1)
	if len(changes) > 0 {
		l.log.Info("Configuration changed", "changes", changes)
		select {
		case l.changed <- controllerevent.GenericEvent{Object: &corev1.ConfigMap{}}:
		default: // The controller has not yet started on the previous message.
		}
	}
	if len(waiting) > 0 {
		l.log.Info("Restart Reprise to apply the rest of the configuration", "changes", waiting)
	}
	return nil
}

// reject reports an invalid content in the log, the metrics and an Event of the ConfigMap.
func (l *liveConfig) reject(ctx context.Context, content string, reason error) {
	l.valid.Set(0)
	l.log.Error(reason, "Configuration is invalid; the previous configuration stays active", "file", l.path)
	if l.configMap.Name == "" {
		return
	}
	stored, err := l.clients.CoreV1().ConfigMaps(l.configMap.Namespace).Get(ctx, l.configMap.Name, metav1.GetOptions{})
	if err != nil {
		l.log.Error(err, "Reading the ConfigMap of the configuration")
		return
	}
	regarding := l.configMap
	regarding.UID, regarding.ResourceVersion = stored.UID, stored.ResourceVersion
	sum := sha256.Sum256([]byte(content + "\x00" + reason.Error()))
	err = l.events.Write(ctx, event.Event{
		Reason: v1alpha1.EventConfigurationInvalid, Warning: true, Regarding: regarding, Key: hex.EncodeToString(sum[:]),
		Message: event.Message("configuration not applied: "+reason.Error(), nil, "the previous one stays active; correct the values and run helm upgrade"),
		At:      time.Now(),
	})
	if err != nil {
		l.log.Error(err, "Writing the Event about the invalid configuration")
	}
}
