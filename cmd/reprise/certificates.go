package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/pflag"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/certificate"
	"reprise.dev/reprise/internal/certificate/controller"
)

// The values of --cert-mode, which are those of certificates.mode in the chart.
const (
	selfSigned  = "self-signed"
	certManager = "cert-manager"
	existing    = "existing"
)

// certificateOptions are the flags of the serving certificate.
type certificateOptions struct {
	mode       string
	release    string
	certFile   string
	keyFile    string
	lifetime   time.Duration
	caLifetime time.Duration
}

func (o *certificateOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.mode, "cert-mode", existing,
		"source of the serving certificate: self-signed (Reprise keeps it in the Secret <release>-certificate), cert-manager (Certificate <release>), existing (files)")
	flags.StringVar(&o.release, "release", "reprise", "name of the Helm release and of its webhook configurations")
	flags.StringVar(&o.certFile, "tls-cert-file", "", "path of the serving certificate in PEM, reloaded when it changes (required unless self-signed)")
	flags.StringVar(&o.keyFile, "tls-private-key-file", "", "path of its private key in PEM, in the same directory (required unless self-signed)")
	flags.DurationVar(&o.lifetime, "cert-lifetime", 7*24*time.Hour, "lifetime of a self-signed serving certificate; Reprise renews it in the last third")
	flags.DurationVar(&o.caLifetime, "ca-lifetime", 10*365*24*time.Hour, "lifetime of the self-signed CA")
}

func (o *certificateOptions) complete() error {
	files := o.certFile != "" || o.keyFile != ""
	switch {
	case o.mode != selfSigned && o.mode != certManager && o.mode != existing:
		return fmt.Errorf("--cert-mode is %q: expected self-signed, cert-manager or existing", o.mode)
	case o.release == "":
		return errors.New("--release is empty: expected the name of the Helm release")
	case o.mode == selfSigned && files:
		return errors.New("--tls-cert-file and --tls-private-key-file cannot be combined with --cert-mode=self-signed")
	case o.mode != selfSigned && (o.certFile == "" || o.keyFile == ""):
		return errors.New("--tls-cert-file and --tls-private-key-file are required unless --cert-mode=self-signed")
	case filepath.Dir(o.certFile) != filepath.Dir(o.keyFile):
		return errors.New("--tls-private-key-file must be in the directory of --tls-cert-file, as in a mounted Secret")
	case o.lifetime <= 0 || o.caLifetime < 3*o.lifetime:
		return fmt.Errorf("--ca-lifetime is %s and --cert-lifetime %s: expected --ca-lifetime to be at least three times as long", o.caLifetime, o.lifetime)
	}
	return nil
}

// filesPropagationDelay is how long an API server may take to see a webhook configuration that
// others change.
const filesPropagationDelay = 10 * time.Second

// issuer returns the issuer of self-signed certificates.
func (o *certificateOptions) issuer() certificate.Issuer {
	return certificate.Issuer{Lifetime: o.lifetime, CALifetime: o.caLifetime}
}

func (o *certificateOptions) propagationDelay() time.Duration {
	if o.mode == selfSigned {
		return o.issuer().PropagationDelay()
	}
	return filesPropagationDelay
}

// secretName returns the name of the Secret of a self-signed certificate; the chart creates it.
func (o *certificateOptions) secretName() string { return o.release + "-certificate" }

// certificateCache adds the objects of the certificate controller to the cache. Each is selected by
// its name, so that the Roles can name it too.
func certificateCache(o options, others map[client.Object]cache.ByObject) map[client.Object]cache.ByObject {
	named := func(name string) fields.Selector { return fields.OneTermEqualSelector("metadata.name", name) }
	all := maps.Clone(others)
	names := controller.ConfigurationsOf(o.certificates.release)
	all[&admissionregistrationv1.ValidatingWebhookConfiguration{}] = cache.ByObject{Field: named(names.Validating)}
	all[&admissionregistrationv1.MutatingWebhookConfiguration{}] = cache.ByObject{Field: named(names.Mutating)}
	all[&corev1.Secret{}] = cache.ByObject{Namespaces: map[string]cache.Config{
		o.namespace: {FieldSelector: named(o.certificates.secretName())},
	}}
	return all
}

// serveCertificate makes a server use the current certificate for each connection. It speaks
// HTTP/1.1: over HTTP/2 all calls of the API server share one connection, and a review that waits
// for its turn unread would use up the window of those behind it.
func serveCertificate(s *certificate.Serving, clients *clientAuth) []func(*tls.Config) {
	return []func(*tls.Config){func(c *tls.Config) {
		c.GetCertificate = s.GetCertificate
		c.NextProtos = []string{"http/1.1"}
		clients.configure(c)
	}}
}

// setupCertificate adds the controller that renews the serving certificate and reports problems
// with it.
func (p *process) setupCertificate(context.Context) error {
	o := p.options.certificates
	expiry := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "reprise_certificate_expiry_timestamp_seconds",
		Help: "Expiry of the serving certificate in seconds since 1970; 0 if there is none.",
	})
	if err := metrics.Registry.Register(expiry); err != nil {
		return fmt.Errorf("registering the certificate's metric: %w", err)
	}
	c := &controller.Controller{
		Client:         p.manager.GetClient(),
		Source:         p.certificateSource(),
		Serving:        p.serving,
		Configurations: controller.ConfigurationsOf(o.release),
		Events:         p.events,
		Regarding:      p.ownDeployment,
		Expiry:         expiry,
		Now:            time.Now,
		Log:            ctrl.Log.WithName("certificate"),
	}
	return c.SetupWithManager(p.manager, o.mode == selfSigned)
}

func (p *process) certificateSource() controller.Source {
	o := p.options.certificates
	files := controller.Files{
		Certificate: o.certFile, Key: o.keyFile,
		Remedy: "put a valid certificate into the Secret that certificates.secretName names, and its CA into certificates.caBundle",
	}
	switch o.mode {
	case selfSigned:
		return &controller.SelfSigned{
			Client: p.manager.GetClient(),
			Secret: types.NamespacedName{Namespace: p.options.namespace, Name: o.secretName()},
			Names:  []string{controller.ServiceHost(o.release, p.options.namespace)},
			Issuer: o.issuer(),
			Now:    time.Now,
			Log:    ctrl.Log.WithName("certificate"),
		}
	case certManager:
		return controller.CertManager{
			Files: files, Live: p.manager.GetAPIReader(),
			Object: types.NamespacedName{Namespace: p.options.namespace, Name: o.release},
		}
	}
	return files
}

// ownDeployment returns the Deployment of the install, for Events; without a UID if it cannot be
// read.
func (p *process) ownDeployment(ctx context.Context) corev1.ObjectReference {
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = p.options.namespace, p.options.certificates.release
	if err := p.manager.GetAPIReader().Get(ctx, client.ObjectKeyFromObject(d), d); err != nil {
		ctrl.Log.WithName("certificate").V(1).Info("Reading the Deployment of Reprise", "error", err.Error())
	}
	return event.ObjectRef(d)
}
