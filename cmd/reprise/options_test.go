package main

import "testing"

func TestProfilesAreServedOnLoopbackOnly(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:6060": true, "[::1]:6060": true, "localhost:6060": true,
		":6060": false, "0.0.0.0:6060": false, "10.1.2.3:6060": false, "example.org:6060": false, "6060": false,
	} {
		if err := checkLoopback(address); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
	o, err := parse([]string{"--namespace=n", "--tls-cert-file=a/tls.crt", "--tls-private-key-file=a/tls.key"})
	if err != nil {
		t.Fatal(err)
	}
	if err := o.complete(); err != nil {
		t.Errorf("without profiles: %v", err)
	}
	o.pprofAddress = ":6060"
	if err := o.complete(); err == nil {
		t.Error("profiles for everyone are accepted")
	}
}
