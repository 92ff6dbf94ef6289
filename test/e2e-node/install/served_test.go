package install

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

// served says whether every pod serves the certificate, PEM.
func served(t *testing.T, certificate []byte) bool {
	t.Helper()
	pods := &corev1.PodList{}
	if err := api(t).List(t.Context(), pods, client.InNamespace(product.Namespace)); err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp != nil {
			continue
		}
		connection, err := tls.Dial("tcp", pod.Status.PodIP+":9443", &tls.Config{InsecureSkipVerify: true}) // It is compared, not trusted.
		if err != nil {
			return false
		}
		leaf := connection.ConnectionState().PeerCertificates[0].Raw
		connection.Close()
		if !bytes.HasPrefix(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})) {
			return false
		}
	}
	return len(pods.Items) > 0
}
