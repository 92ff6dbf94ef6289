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

// Where the serving certificate comes from, as certificates.mode of the chart says.
const (
	selfSigned  = "self-signed"
	certManager = "cert-manager"
	existing    = "existing"
)

// certificateOptions are the flags about the serving certificate.
type certificateOptions struct {
	mode              string
	release           string
	certFile          string
	keyFile           string
	lifetime          time.Duration
	authorityLifetime time.Duration
}

func (o *certificateOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.mode, "certificates", existing,
		"where the serving certificate comes from: self-signed (made and renewed in the Secret <release>-certificate), cert-manager (its Certificate <release>, mounted), existing (files)")
	flags.StringVar(&o.release, "release", "reprise", "the name of the Helm release, after which the webhook configurations are named")
	flags.StringVar(&o.certFile, "tls-cert-file", "", "the serving certificate, PEM; read again when it changes (required unless self-signed)")
	flags.StringVar(&o.keyFile, "tls-private-key-file", "", "its private key, PEM, in the same folder (required unless self-signed)")
	flags.DurationVar(&o.lifetime, "certificate-lifetime", 7*24*time.Hour, "how long a self-signed serving certificate holds; it is renewed in the last third")
	flags.DurationVar(&o.authorityLifetime, "authority-lifetime", 10*365*24*time.Hour, "how long the authority holds that signs it")
}

func (o *certificateOptions) complete() error {
	files := o.certFile != "" || o.keyFile != ""
	switch {
	case o.mode != selfSigned && o.mode != certManager && o.mode != existing:
		return fmt.Errorf("--certificates is %q: expected self-signed, cert-manager or existing", o.mode)
	case o.release == "":
		return errors.New("--release is empty: expected the name of the Helm release")
	case o.mode == selfSigned && files:
		return errors.New("--tls-cert-file and --tls-private-key-file do not go with --certificates=self-signed: it makes its own")
	case o.mode != selfSigned && (o.certFile == "" || o.keyFile == ""):
		return errors.New("--tls-cert-file and --tls-private-key-file are required: the API server calls webhooks over TLS only")
	case filepath.Dir(o.certFile) != filepath.Dir(o.keyFile):
		return errors.New("--tls-private-key-file must lie in the folder of --tls-cert-file, as in a mounted Secret")
	case o.lifetime <= 0 || o.authorityLifetime < 3*o.lifetime:
		return fmt.Errorf("--authority-lifetime is %s and --certificate-lifetime %s: expected the first to be at least three times the second", o.authorityLifetime, o.lifetime)
	}
	return nil
}

// settleFiles is how long an API server may take to see a webhook configuration that others change.
const settleFiles = 10 * time.Second

// terms are those of Reprise's own authority.
func (o *certificateOptions) terms() certificate.Terms {
	return certificate.Terms{Lifetime: o.lifetime, AuthorityLifetime: o.authorityLifetime}
}

func (o *certificateOptions) settle() time.Duration {
	if o.mode == selfSigned {
		return o.terms().Settle()
	}
	return settleFiles
}

// secretName is that of the Secret in which a self-signed certificate is kept; the chart makes it.
func (o *certificateOptions) secretName() string { return o.release + "-certificate" }

// certificateCache adds what the keeper of the certificate reads to what the cache holds: single objects, each by its
// name, so that the rights to read them may be bound to it.
func certificateCache(o options, to map[client.Object]cache.ByObject) map[client.Object]cache.ByObject {
	named := func(name string) fields.Selector { return fields.OneTermEqualSelector("metadata.name", name) }
	all := maps.Clone(to)
	names := controller.ConfigurationsOf(o.certificates.release)
	all[&admissionregistrationv1.ValidatingWebhookConfiguration{}] = cache.ByObject{Field: named(names.Validating)}
	all[&admissionregistrationv1.MutatingWebhookConfiguration{}] = cache.ByObject{Field: named(names.Mutating)}
	all[&corev1.Secret{}] = cache.ByObject{Namespaces: map[string]cache.Config{
		o.namespace: {FieldSelector: named(o.certificates.secretName())},
	}}
	return all
}

// served has a server use the certificate that is served at the moment.
func served(s *certificate.Serving) []func(*tls.Config) {
	return []func(*tls.Config){func(c *tls.Config) { c.GetCertificate = s.GetCertificate }}
}

// certificate adds what keeps the serving certificate fit and says where it is not.
func (p *process) certificate(context.Context) error {
	o := p.options.certificates
	expiry := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "reprise_certificate_expiry_timestamp_seconds",
		Help: "When the served certificate ends, in seconds since 1970; 0 where there is none.",
	})
	if err := metrics.Registry.Register(expiry); err != nil {
		return fmt.Errorf("registering the certificate's metric: %w", err)
	}
	keeper := &controller.Controller{
		Client:         p.manager.GetClient(),
		Source:         p.certificateSource(),
		Serving:        p.serving,
		Configurations: controller.ConfigurationsOf(o.release),
		Tell:           func(ctx context.Context, e event.Event) error { return p.events.Write(ctx, e) },
		About:          p.itself,
		Expiry:         expiry,
		Now:            time.Now,
		Log:            ctrl.Log.WithName("certificate"),
	}
	return keeper.SetupWithManager(p.manager, o.mode == selfSigned)
}

func (p *process) certificateSource() controller.Source {
	o := p.options.certificates
	files := controller.Files{
		Certificate: o.certFile, Key: o.keyFile,
		Remedy: "put the right certificate into the Secret that certificates.secretName of the chart names, and its authority into certificates.caBundle",
	}
	switch o.mode {
	case selfSigned:
		return &controller.SelfSigned{
			Client: p.manager.GetClient(),
			Secret: types.NamespacedName{Namespace: p.options.namespace, Name: o.secretName()},
			Names:  []string{controller.ServiceHost(o.release, p.options.namespace)},
			Terms:  o.terms(),
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

// itself is what an Event about the install is about: its Deployment, without a UID where it cannot be read.
func (p *process) itself(ctx context.Context) corev1.ObjectReference {
	d := &appsv1.Deployment{}
	d.Namespace, d.Name = p.options.namespace, p.options.certificates.release
	if err := p.manager.GetAPIReader().Get(ctx, client.ObjectKeyFromObject(d), d); err != nil {
		ctrl.Log.WithName("certificate").V(1).Info("No Deployment to tell about", "error", err.Error())
	}
	return event.ObjectRef(d)
}
