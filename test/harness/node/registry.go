package node

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const registryAddress = "127.0.0.1:5000"

// Denial is how a registry refuses who has not logged in.
type Denial int

const (
	// NoToken answers 401 to who asks for a token without a name, as ghcr.io and quay.io do for what
	// is private.
	NoToken Denial = iota + 1
	// NoScope gives a token that is worth nothing, as Docker Hub does for what is private and what
	// does not exist.
	NoScope
)

// Registry serves images to the node. Its methods may be used from several goroutines.
type Registry struct {
	images http.Handler

	mu     sync.Mutex
	server *http.Server
	denied map[string]Denial // by repository
}

func newRegistry() (*Registry, error) {
	r := &Registry{images: registry.New(registry.Logger(log.New(io.Discard, "", 0))), denied: map[string]Denial{}}
	return r, r.Start()
}

// Start serves again after Stop.
func (r *Registry) Start() error {
	listener, err := net.Listen("tcp", registryAddress)
	if err != nil {
		return fmt.Errorf("starting a registry: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = &http.Server{Handler: r}
	go func(server *http.Server) { _ = server.Serve(listener) }(r.server) // ends by Stop
	return nil
}

// Stop refuses connections from now on. What was pushed is kept.
func (r *Registry) Stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server.Close()
}

// Deny refuses to let the repository be read. It is an image's name without the registry's host and
// without its tag.
func (r *Registry) Deny(repository string, how Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.denied[repository] = how
}

// Push stores an image under a name, such as ghcr.io/stefanprodan/podinfo:6.7.0. The node pulls it
// by that name.
func (r *Registry) Push(ctx context.Context, image string, content v1.Image) error {
	asked, err := name.ParseReference(image)
	if err != nil {
		return fmt.Errorf("pushing %s: %w", image, err)
	}
	own, err := name.ParseReference(registryAddress+"/"+asked.Context().RepositoryStr()+":"+asked.Identifier(), name.Insecure)
	if err != nil {
		return fmt.Errorf("pushing %s: %w", image, err)
	}
	if err := remote.Write(own, content, remote.WithContext(ctx)); err != nil {
		return fmt.Errorf("pushing %s: %w", image, err)
	}
	return nil
}

// ServeHTTP is the registry's protocol, with the token service that a denial needs.
func (r *Registry) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/token" {
		if r.denial(request.URL.Query().Get("scope")) == NoToken {
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"token":"worth-nothing"}`)
		return
	}
	if how := r.denial(request.URL.Path); how != 0 && request.Method != http.MethodPut && request.Method != http.MethodPost {
		challenge := `Bearer realm="http://` + registryAddress + `/token",service="registry"`
		if how == NoScope && request.Header.Get("Authorization") != "" {
			challenge += `,error="insufficient_scope"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	r.images.ServeHTTP(w, request)
}

// denial is that of the repository that a path or a scope names.
func (r *Registry) denial(text string) Denial {
	r.mu.Lock()
	defer r.mu.Unlock()
	for repository, how := range r.denied {
		if strings.HasPrefix(text, "/v2/"+repository+"/") || strings.HasPrefix(text, "repository:"+repository+":") {
			return how
		}
	}
	return 0
}
