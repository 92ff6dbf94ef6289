package install

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// balancer stands for a Service: each connection goes to the next of those behind it, and one that
// is taken out gets no new ones while those that it has go on.
type balancer struct {
	port     int
	listener net.Listener

	mu     sync.Mutex
	behind []int
	next   int
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: listener, port: listener.Addr().(*net.TCPAddr).Port}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { b.carry(from) })
		}
	})
	t.Cleanup(func() { listener.Close() })
	return b
}

func (b *balancer) address() string { return "localhost:" + strconv.Itoa(b.port) }

func (b *balancer) add(port int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = append(b.behind, port)
}

func (b *balancer) remove(port int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = slices.DeleteFunc(b.behind, func(p int) bool { return p == port })
}

func (b *balancer) pick() (int, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.behind) == 0 {
		return 0, false
	}
	b.next++
	return b.behind[b.next%len(b.behind)], true
}

// carry copies both ways until either side closes.
func (b *balancer) carry(from net.Conn) {
	defer from.Close()
	port, ok := b.pick()
	if !ok {
		return
	}
	to, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].(*net.TCPConn).CloseWrite()
		})
	}
	both.Wait()
}

// servedAt is the certificate that every one behind the balancer serves, PEM; empty while they
// differ.
func servedAt(t *testing.T, b *balancer) []byte {
	t.Helper()
	b.mu.Lock()
	ports := slices.Clone(b.behind)
	b.mu.Unlock()
	var one []byte
	for _, port := range ports {
		connection, err := tls.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port), &tls.Config{InsecureSkipVerify: true}) // What it is is asked, not trusted.
		if err != nil {
			t.Fatal(err)
		}
		leaf := connection.ConnectionState().PeerCertificates[0].Raw
		connection.Close()
		served := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})
		if one != nil && !bytes.Equal(one, served) {
			return nil
		}
		one = served
	}
	return one
}
