package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// InstallCertManagerCRDs installs cert-manager's definitions, of the version that the product
// knows.
func (c *Cluster) InstallCertManagerCRDs(ctx context.Context) error {
	objects, err := certManagerCRDs(ctx)
	if err != nil {
		return err
	}
	return c.Apply(ctx, "", objects)
}

func certManagerCRDs(ctx context.Context) ([]*unstructured.Unstructured, error) {
	root, err := RepositoryRoot()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/cert-manager/cert-manager")
	cmd.Dir = filepath.Join(root, "test")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("finding cert-manager's module: %w", err)
	}
	pattern := filepath.Join(strings.TrimSpace(string(out)), "deploy", "crds", "*cert-manager.io_*.yaml")
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("finding cert-manager's definitions: nothing matches %s", pattern)
	}
	var objects []*unstructured.Unstructured
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if objects, err = appendObjects(objects, file, data); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// RenewCertificate has cert-manager, which must run, issue a Certificate anew, as `cmctl renew`
// does, and waits until it has or the context ends.
func (c *Cluster) RenewCertificate(ctx context.Context, namespace, name string) error {
	scheme := runtime.NewScheme()
	if err := certmanagerv1.AddToScheme(scheme); err != nil {
		return err
	}
	api, err := client.New(c.RESTConfig(), client.Options{Scheme: scheme})
	if err != nil {
		return fmt.Errorf("making a client of cert-manager: %w", err)
	}
	var stored certmanagerv1.Certificate
	var last error
	revision := func() int {
		if stored.Status.Revision == nil {
			return 0
		}
		return *stored.Status.Revision
	}
	before, asked := 0, false
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		if last = api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &stored); last != nil {
			return false, nil
		}
		if asked {
			return revision() > before, nil
		}
		before = revision()
		stored.Status.Conditions = append(stored.Status.Conditions, certmanagerv1.CertificateCondition{
			Type: certmanagerv1.CertificateConditionIssuing, Status: certmanagermetav1.ConditionTrue,
			Reason: "ManuallyTriggered", LastTransitionTime: new(metav1.Now()),
		})
		last = api.Status().Update(ctx, &stored) // It conflicts with cert-manager's own writes.
		asked = last == nil
		return false, nil
	})
	if err != nil {
		return fmt.Errorf("renewing Certificate %s/%s: %w", namespace, name, errors.Join(err, last))
	}
	return nil
}
