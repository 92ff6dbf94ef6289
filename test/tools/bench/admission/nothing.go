package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// nothingPath is where the hook that does nothing is served.
const nothingPath = "/nothing"

// What the table calls it, and the call of no hook at all.
const (
	nothingName = "a hook that does nothing"
	bareName    = "no hook"
)

// nothingOptions are how the hook that does nothing is served.
type nothingOptions struct {
	address, cert, key string
}

// serveNothing serves a hook of controller-runtime that reads the review and allows it.
func serveNothing(ctx context.Context, o nothingOptions) error {
	log.SetLogger(logr.Discard())
	host, port, err := net.SplitHostPort(o.address)
	if err != nil {
		return fmt.Errorf("reading the address of the hook that does nothing: %w", err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return fmt.Errorf("reading the port of the hook that does nothing: %w", err)
	}
	server := webhook.NewServer(webhook.Options{
		Host: host, Port: number, CertDir: filepath.Dir(o.cert), CertName: filepath.Base(o.cert), KeyName: filepath.Base(o.key),
	})
	server.Register(nothingPath, &webhook.Admission{Handler: admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
		return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{Allowed: true}}
	})})
	if err := server.Start(ctx); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
