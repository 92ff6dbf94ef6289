# Bare `make` lists the targets. Everything is built from Go modules: a machine needs Go and nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
GOLANGCI := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint
CONTROLLER_GEN := $(GO) tool -modfile=tools/controller-gen/go.mod controller-gen
# The test module, which holds the cluster, the integration tests and the demo.
TESTS := $(GO) -C test

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the binaries into bin/: reprise, and kubectl-reprise, the plugin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...
	install -m 0755 cmd/kubectl-reprise/kubectl_complete-reprise bin/

.PHONY: demo
demo: ## play the break-fix exercise on a real control plane; KEEP=1 leaves it up
	@echo "compiling the demo (a minute or two the first time)"
	@KEEP=$(KEEP) $(TESTS) run ./demo

.PHONY: test
test: test-unit test-node test-integration ## run every test

.PHONY: test-unit
test-unit: ## run the tests that need no cluster: seconds
	$(GO) test ./...

.PHONY: test-integration
test-integration: binaries helm ## run the tests against a real control plane
	@# Not from the cache: Go does not see that the tests build and run the product's binary.
	@# Those of a real node have a target of their own, which says where they are left out.
	$(TESTS) test -count=1 -timeout 30m -p 1 $$($(TESTS) list ./... | grep -v /cluster/node)

.PHONY: test-node
test-node: node-packages binaries ## play a deploy, a crash and its logs on a real node, where this machine can run one
	$(TESTS) test ./cluster/node/... -count=1 -timeout 15m -p 1 -v

.PHONY: node-packages
node-packages: ## install the Debian packages that a real node needs, where they are missing and this is root
	@$(TESTS) run ./cluster/node/cmd/node-packages

.PHONY: differential
differential: binaries ## compare the effective pod with the real API server in 5,000 random cases
	$(TESTS) test ./differential -count=1 -timeout 30m -cases=5000

.PHONY: faults
faults: binaries ## play 200 rollbacks that are killed and disturbed between their writes: five minutes
	$(TESTS) test ./rescue -count=1 -timeout 30m -cases=200

.PHONY: deployers
deployers: binaries helm ## play every deployer and next step against rollbacks, seven minutes
	$(TESTS) test ./deployers -count=1 -timeout 30m -whole

.PHONY: bench-recorder
bench-recorder: binaries ## measure what recording costs, ten minutes
	$(TESTS) run ./bench/recorder

.PHONY: bench-admission
bench-admission: binaries ## measure what admission costs beside a hook that does nothing, two minutes
	$(TESTS) run ./bench/admission

.PHONY: bench-rollback
bench-rollback: binaries ## measure how fast a failed rollout is put back, fifteen minutes
	$(TESTS) run ./bench/rollback

.PHONY: binaries
binaries: ## build the control plane into the cache folder: ten minutes the first time
	@echo "compiling what builds the control plane (a minute or two the first time)"
	@$(TESTS) run ./cluster/cmd/cluster-binaries

.PHONY: helm
helm: ## build Helm 4, which some tests deploy with, into the cache folder: six minutes the first time
	@$(TESTS) run ./cluster/cmd/cluster-binaries helm

.PHONY: lint
lint: ## check the code's style and the dependency rule
	$(GOLANGCI) run ./...
	cd test && $(GO) tool -modfile=../tools/golangci-lint/go.mod golangci-lint run --config ../.golangci.yaml ./...

.PHONY: generate
generate: ## write what is generated: deepcopy, the CustomResourceDefinition
	$(CONTROLLER_GEN) object paths=./api/...
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=charts/reprise/templates

.PHONY: verify
verify: generate ## fail if something generated, formatted or tidied is not fresh
	$(GO) mod tidy -diff
	$(TESTS) mod tidy -diff
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	@git diff --exit-code --stat -- api charts || { echo "run 'make generate' and commit what it wrote"; exit 1; }
