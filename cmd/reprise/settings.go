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

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/internal/config"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

// settings is the configuration in force. A file that has changed is put in force as a whole, or not at all; what only a
// start can change of it waits for one (config.Config.Pinned).
type settings struct {
	path string
	// about is the ConfigMap that the file is mounted from; without a name nothing is told there.
	about    corev1.ObjectReference
	started  config.Config
	inForce  atomic.Pointer[config.Config]
	policies interface {
		use(context.Context, policy.Overrides) error
	}
	clients kubernetes.Interface
	events  *emit.Writer
	log     logr.Logger
	// changed tells the rollback controller that workloads may be treated in another way; it holds one message.
	changed chan controllerevent.GenericEvent
	// valid is 1 where the file as it is now is in force, 0 where an older one is.
	valid prometheus.Gauge
}

// follow has the configuration file followed.
func (p *process) follow(context.Context) error {
	p.settings = &settings{
		path: p.options.config, started: p.config, policies: p.policies,
		about:   corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: p.options.namespace, Name: p.options.configMap},
		clients: p.clients, events: p.events, log: ctrl.Log.WithName("configuration"),
		changed: make(chan controllerevent.GenericEvent, 1),
		valid: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "reprise_config_last_reload_successful",
			Help: "1 where the configuration file as it is now is in force, 0 where an older one is.",
		}),
	}
	p.settings.inForce.Store(&p.config)
	p.settings.valid.Set(1)
	if err := metrics.Registry.Register(p.settings.valid); err != nil {
		return fmt.Errorf("registering the configuration's metrics: %w", err)
	}
	if p.options.config == "" {
		return nil
	}
	if err := p.manager.Add(p.settings); err != nil {
		return fmt.Errorf("adding the configuration: %w", err)
	}
	return nil
}

func (s *settings) defaults() workload.Settings { return s.inForce.Load().Defaults }
func (s *settings) maxPerMinute() int           { return s.inForce.Load().History.MaxPerMinute }
func (s *settings) keepGone() time.Duration     { return s.inForce.Load().History.RetainDeleted }

// take puts a content in force. An error says why it is not; what was in force before stays.
func (s *settings) take(ctx context.Context, content string) error {
	next, err := config.Parse([]byte(content))
	if err != nil {
		return err
	}
	next, waiting := next.Pinned(s.started)
	changes := config.Changes(*s.inForce.Load(), next)
	if slices.ContainsFunc(changes, func(change string) bool { return strings.HasPrefix(change, "policies.") }) {
		if err := s.policies.use(ctx, next.Policies); err != nil {
			return err
		}
	}
	s.inForce.Store(&next)
	s.valid.Set(1)
	if len(changes) > 0 {
		s.log.Info("The configuration has changed and is in force", "changes", changes)
		select {
		case s.changed <- controllerevent.GenericEvent{Object: &corev1.ConfigMap{}}:
		default: // The workloads are looked at anew already.
		}
	}
	if len(waiting) > 0 {
		s.log.Info("A part of the configuration comes in force at the next start of this process", "changes", waiting)
	}
	return nil
}

// refuse tells that what the file says is not in force, once for each content.
func (s *settings) refuse(ctx context.Context, content string, reason error) {
	s.valid.Set(0)
	s.log.Error(reason, "The configuration has changed and cannot be used; what was in force stays", "file", s.path)
	if s.about.Name == "" {
		return
	}
	stored, err := s.clients.CoreV1().ConfigMaps(s.about.Namespace).Get(ctx, s.about.Name, metav1.GetOptions{})
	if err != nil {
		s.log.Error(err, "Reading the ConfigMap of the configuration to tell of it")
		return
	}
	about := s.about
	about.UID, about.ResourceVersion = stored.UID, stored.ResourceVersion
	sum := sha256.Sum256([]byte(content + "\x00" + reason.Error()))
	err = s.events.Write(ctx, event.Event{
		Reason: event.ConfigurationInvalid, Warning: true, Regarding: about, Key: hex.EncodeToString(sum[:]),
		Message: event.Message("not in force: "+reason.Error(), nil, "what was in force stays; correct the values and run helm upgrade"),
		At:      time.Now(),
	})
	if err != nil {
		s.log.Error(err, "Telling of a configuration that cannot be used")
	}
}
