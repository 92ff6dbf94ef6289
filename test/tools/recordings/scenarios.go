package main

import (
	"context"
	"time"

	"reprise.dev/reprise/test/harness/node"
)

// scenario is a second revision that is deployed over a first one that is well.
type scenario struct {
	name, tells string
	// container is what the second revision's container has beside name and image; spec what its pod
	// has beside that.
	container, spec string
	// image is that of the second revision where it is not the sample application.
	image    string
	recreate bool
	replicas int
	deadline int // progressDeadlineSeconds, 0 for Kubernetes' own
	lasts    time.Duration
	// before is applied before the second revision.
	before string
	// then is what happens meanwhile, in order.
	then []happening
	// always has every start of a pod ask the registry.
	always bool
	// alone plays it while nothing else uses the node.
	alone bool
}

type happening struct {
	at time.Duration
	do func(context.Context, *node.Node, stage) error
}

const (
	second = time.Second
	ready  = `readinessProbe: {httpGet: {path: /readyz, port: 9898}, periodSeconds: 1}, `
)

var scenarios = []scenario{
	{name: "exits-at-once", tells: "exits with 1 at once", container: `args: [--exit-after=0s, --message=no DATABASE_URL]`, lasts: 60 * second},
	{name: "exits-at-once-recreate", tells: "the same with the strategy Recreate", recreate: true,
		container: `args: [--exit-after=0s, --message=no DATABASE_URL]`, lasts: 45 * second},
	{name: "exits-after-20s", tells: "exits after 20 s of being ready", container: ready + `args: [--exit-after=20s]`, lasts: 110 * second},
	{name: "exits-after-20s-recreate", tells: "the same with Recreate", recreate: true, container: ready + `args: [--exit-after=20s]`, lasts: 110 * second},
	{name: "oom", tells: "fills 64 MiB, has 32", container: `args: [--memory=64], resources: {limits: {memory: 32Mi}}`, lasts: 60 * second},
	{name: "image-missing", tells: "a tag that the registry does not have", image: "registry.example.com/app:none", lasts: 45 * second},
	{name: "image-missing-recreate", tells: "the same with Recreate", recreate: true, image: "registry.example.com/app:none", lasts: 45 * second},
	{name: "registry-401", tells: "a registry that gives no token (ghcr.io)", image: "ghcr.io/private/app:1", lasts: 60 * second},
	{name: "registry-401-scope", tells: "a registry that gives a token worth nothing (Docker Hub)", image: "docker.io/private/hub:1", lasts: 60 * second},
	{name: "tag-pushed-later", tells: "the tag is pushed after 20 s", image: "registry.example.com/app:later", lasts: 100 * second,
		then: []happening{{20 * second, pushLater}}},
	{name: "configmap-missing", tells: "a ConfigMap that is not there", container: `envFrom: [{configMapRef: {name: settings}}]`, lasts: 75 * second},
	{name: "configmap-later", tells: "the ConfigMap is made after 30 s", container: `envFrom: [{configMapRef: {name: settings}}]`, lasts: 90 * second,
		then: []happening{{30 * second, apply(`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}`)}}},
	{name: "secret-key-missing", tells: "a key that the Secret lacks", lasts: 75 * second,
		container: `env: [{name: A, valueFrom: {secretKeyRef: {name: login, key: password}}}]`,
		before:    `{apiVersion: v1, kind: Secret, metadata: {name: login}, data: {user: YQ==}}`},
	{name: "readiness", tells: "a readiness probe that never succeeds", lasts: 90 * second,
		container: `readinessProbe: {httpGet: {path: /never-ready, port: 9898}, periodSeconds: 2}`},
	{name: "readiness-recreate", tells: "the same with Recreate", recreate: true, lasts: 90 * second,
		container: `readinessProbe: {httpGet: {path: /never-ready, port: 9898}, periodSeconds: 2}`},
	{name: "liveness", tells: "a liveness probe that never succeeds", lasts: 90 * second,
		container: `livenessProbe: {httpGet: {path: /never-alive, port: 9898}, periodSeconds: 2, failureThreshold: 2}`},
	{name: "slow-start", tells: "serves after 25 s, inside of its startup probe's 50 s", lasts: 75 * second,
		container: ready + `startupProbe: {httpGet: {path: /readyz, port: 9898}, periodSeconds: 5, failureThreshold: 10}, args: [--slow-start=25s]`},
	{name: "init-crash", tells: "an init container exits with 1", lasts: 60 * second,
		spec: `initContainers: [{name: migrate, image: "registry.example.com/app:2", args: [--exit-after=0s]}], `},
	{name: "executable-missing", tells: "a command that is not in the image", container: `command: [/no/such/thing]`, lasts: 45 * second},
	{name: "limit-range", tells: "more memory than the LimitRange allows", container: `resources: {limits: {memory: 128Mi}}`, lasts: 30 * second,
		before: `{apiVersion: v1, kind: LimitRange, metadata: {name: small}, spec: {limits: [{type: Container, max: {memory: 64Mi}}]}}`},
	{name: "quota", tells: "one pod more than the quota allows", lasts: 80 * second,
		before: `{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {pods: "1"}}}`},
	{name: "unschedulable", tells: "no node has its label; the deadline is 60 s", deadline: 60, spec: `nodeSelector: {disk: none}, `, lasts: 75 * second},
	{name: "pod-deleted", tells: "is well; its pod is deleted by hand after 15 s", container: ready, lasts: 75 * second,
		then: []happening{{15 * second, deletePods}}},
	{name: "drained", tells: "is well; its node is drained after 15 s and taken back after 45", container: ready, lasts: 90 * second, alone: true,
		then: []happening{{15 * second, drain}, {45 * second, uncordon}}},
	{name: "registry-down", tells: "the registry is down, and old pods that start anew cannot be pulled either", replicas: 2, always: true,
		lasts: 50 * second, alone: true, image: "registry.example.com/app:down",
		then: []happening{{0, registryDown}, {5 * second, deleteOld}, {45 * second, registryUp}}},
	{name: "kubelet-stopped", tells: "is well; the kubelet is stopped after 15 s for 60", container: ready, lasts: 120 * second, alone: true,
		then: []happening{{15 * second, stopKubelet}, {75 * second, startKubelet}}},
}
