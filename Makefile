# Bare `make` lists the targets. Everything is built from Go modules: a machine needs Go and nothing
# else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO ?= go
GOLANGCI := $(GO) tool -modfile=tools/golangci-lint/go.mod golangci-lint
# golangci-lint with kube-api-linter built in.
API_LINTER := $(GO) tool -modfile=tools/api-linter/go.mod golangci-lint-kube-api-linter
D2 := $(GO) tool -modfile=tools/diagram/go.mod d2
CONTROLLER_GEN := $(GO) tool -modfile=tools/controller-gen/go.mod controller-gen
# What is released, stamped with the version that git tells.
RELEASE := $(GO) -C tools/release run . -root "$(CURDIR)" -out "$(CURDIR)/dist"
# True where there is no C compiler: the race detector and Vale need one.
NO_CC := ! command -v "$$($(GO) env CC)" >/dev/null
# The test module, which holds the cluster, the integration tests and the demo.
TESTS := $(GO) -C test
# Compiles the commands FOLDER:PACKAGE and shows how far it is; `go run` says nothing while it
# compiles.
COMPILE := $(TESTS) run ./harness/cluster/cmd/compile
BINARIES := $(COMPILE) .:./harness/cluster/cmd/cluster-binaries && $(TESTS) run ./harness/cluster/cmd/cluster-binaries

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build the binaries into bin/: reprise, and kubectl-reprise, the plugin
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...
	install -m 0755 cmd/kubectl-reprise/kubectl_complete-reprise bin/

.PHONY: image
image: ## write the image to dist/, for linux on amd64 and arm64; PUSH=registry/name pushes it too
	$(RELEASE) -push "$(PUSH)" image

.PHONY: dist
dist: ## write the binaries of every platform, the chart and their SHA-256 sums to dist/
	$(RELEASE) dist

.PHONY: demo
demo: ## play the break-fix exercise on a real control plane; KEEP=1 leaves it up
	@echo "The first run builds the demo and a control plane from Go modules: 10 to 20 minutes on two cores. Later it starts in seconds."
	@$(COMPILE) .:./tools/demo ..:./cmd/reprise
	@KEEP=$(KEEP) $(TESTS) run ./tools/demo

.PHONY: test
test: test-unit test-integration ## run every test

.PHONY: test-unit
test-unit: ## run the tests that need no cluster: a minute when warm
	$(GO) test ./...
	$(GO) -C tools/release test ./...
	$(GO) -C tools/chartdocs test ./...
	$(GO) -C tools/cover test ./...
	$(GO) -C tools/prose test ./...

.PHONY: test-race
test-race: ## run the product's unit tests under the race detector, which needs a C compiler
	@if $(NO_CC); then echo "test-race: skipped, the race detector needs a C compiler"; exit; fi; \
		CGO_ENABLED=1 $(GO) test -race ./...

# The packages whose own tests must run this share of their statements; NAME/... is all below NAME.
COVER_MIN := 80
COVER := history history/store history/recorder history/gc history/redact rollback rollback/guard cli/... event/... \
	internal/certificate/... internal/namespaceinfo

.PHONY: cover
cover: ## print which share of each package its unit tests run, and fail where it is too small
	@$(GO) -C tools/cover run . -dir "$(CURDIR)" -min $(COVER_MIN) $(COVER)

.PHONY: test-integration
test-integration: binaries node helm cert-manager prometheus ## run the tests against a real control plane
	@# Not from the cache: Go does not see that the tests build and run the product's binary.
	@# They mostly wait for a rollout: two packages at once, and four tests of each.
	@# With eight, another load on two cores made the product lose its Lease, and all that waits for it fail.
	$(TESTS) test -count=1 -timeout 30m -p 2 -parallel 4 ./...

.PHONY: differential
differential: binaries ## compare the effective pod with the real API server in 5,000 random cases
	$(TESTS) test ./conformance/effectivepod -count=1 -timeout 30m -cases=5000

.PHONY: faults
faults: binaries ## play 200 rollbacks that are killed and disturbed between their writes: five minutes
	$(TESTS) test ./e2e/rollback -count=1 -timeout 30m -cases=200

.PHONY: attack
attack: binaries ## play the attacks of tenants and strangers on a real API server: a few minutes
	$(TESTS) test ./e2e/attack -count=1 -timeout 30m -v

.PHONY: policy-library
policy-library: ## compare with a library of Gatekeeper's policies: POLICY_LIBRARY=folder with template.yaml, samples and suite.yaml
	POLICY_LIBRARY="$(abspath $(POLICY_LIBRARY))" $(TESTS) test ./conformance/policy -count=1 -timeout 10m -v

.PHONY: deployers
deployers: binaries helm ## play every deployer and next step against rollbacks, seven minutes
	$(TESTS) test ./conformance/deployers -count=1 -timeout 30m -whole

# The older minors of Kubernetes that the tests run on, each built by the module
# test/harness/cluster/binaries/kubernetes-MINOR.
MINORS ?= 1.36 1.32

.PHONY: test-versions
test-versions: binaries helm ## run the integration tests on older minors of Kubernetes: MINORS="1.36"; ten minutes more to build each
	@for minor in $(MINORS); do \
		assets=$$($(TESTS) run ./harness/cluster/cmd/cluster-binaries -minor $$minor) || exit 1; \
		echo "the integration tests on $$($$assets/kube-apiserver --version)"; \
		KUBEBUILDER_ASSETS=$$assets $(TESTS) test ./e2e/admission ./e2e/history ./e2e/rollback ./e2e/configuration ./e2e/chart -count=1 -timeout 30m -p 1 || exit 1; \
	done

.PHONY: bench-recorder
bench-recorder: binaries ## measure what recording costs, ten minutes
	$(TESTS) run ./tools/bench/recorder

.PHONY: bench-admission
bench-admission: binaries ## measure what admission costs beside a hook that does nothing, two minutes
	$(TESTS) run ./tools/bench/admission

.PHONY: bench-rollback
bench-rollback: binaries ## measure how fast a failed rollout is rolled back, fifteen minutes
	$(TESTS) run ./tools/bench/rollback

.PHONY: binaries
binaries: ## build the control plane into the cache folder: ten minutes the first time
	@$(BINARIES)

.PHONY: cert-manager
cert-manager: ## build cert-manager's controllers, which some tests run, into the cache folder: three minutes the first time
	@$(BINARIES) cert-manager

.PHONY: helm
helm: ## build Helm 4, which some tests deploy with, into the cache folder: three minutes the first time
	@$(BINARIES) helm

.PHONY: node
node: node-packages ## build the kubelet and kube-proxy of a real node into the cache folder: two minutes the first time after the control plane
	@$(BINARIES) kubelet kube-proxy

.PHONY: node-packages
node-packages: ## install the Debian packages of a real node where they are missing; without root and apt its tests are skipped
	@$(TESTS) run ./harness/node/cmd/node-packages

.PHONY: test-node
test-node: binaries node helm cert-manager ## deploy, crash, install and upgrade on a real node: a kubelet, containerd and runc in namespaces of their own
	$(TESTS) test -count=1 -timeout 30m -v -p 1 ./harness/node/... ./e2e-node/...

.PHONY: recordings
recordings: binaries node ## record anew what a real kubelet shows of deploys that fail (test/testdata/pods), eight minutes
	$(TESTS) run ./tools/recordings

.PHONY: prometheus
prometheus: ## fetch Debian's Prometheus, which plays the alerts, into the cache folder; without apt those tests are skipped
	@$(TESTS) run ./harness/monitoring/cmd/prometheus-binaries

.PHONY: lint
lint: LEVEL := error
lint: lint-code lint-api lint-comments prose prose-messages links ## check the code, the API, the comments, the pages and the messages

.PHONY: lint-code
lint-code: ## check the code's style, the dependency rule and the Dockerfile
	$(GOLANGCI) run ./...
	$(GO) -C tools/dockerfile test ./...
	cd tools/chartdocs && $(GO) tool -modfile=../golangci-lint/go.mod golangci-lint run --config ../../.golangci.yaml ./...
	cd tools/cover && $(GO) tool -modfile=../golangci-lint/go.mod golangci-lint run --config ../../.golangci.yaml ./...
	cd tools/prose && $(GO) tool -modfile=../golangci-lint/go.mod golangci-lint run --config ../../.golangci.yaml ./...
	cd tools/release && $(GO) tool -modfile=../golangci-lint/go.mod golangci-lint run --config ../../.golangci.yaml ./...
	cd test && $(GO) tool -modfile=../tools/golangci-lint/go.mod golangci-lint run --config ../.golangci.yaml ./...

.PHONY: lint-api
lint-api: ## check the API types against the conventions for Kubernetes APIs
	$(API_LINTER) run --config .golangci-kal.yaml ./api/...

.PHONY: lint-comments
lint-comments: ## find comments of more than 100 columns
	@failed=; for module in . test tools/chartdocs tools/cover tools/prose tools/release; do \
		(cd $$module && $(GO) tool -modfile="$(CURDIR)/tools/golangci-lint/go.mod" golangci-lint run \
			--config "$(CURDIR)/.golangci-comments.yaml" ./...) || failed=1; \
	done; test -z "$$failed"

# The folder whose pages are checked, which pages of it, and how much is shown: error, warning or
# suggestion.
ROOT ?= .
PAGES ?= *.md docs/*.md docs/adr/*.md test/*.md test/harness/*/*.md charts/reprise/README.md
LEVEL ?= warning
# Vale parses code by libraries in C. Without a C compiler its checks are skipped.
VALE := $(GO) tool -n -modfile=tools/vale/go.mod vale
PROSE := $(GO) -C tools/prose run . -root "$(abspath $(ROOT))"

.PHONY: prose
prose: ## check how the pages are written; PAGES="docs/health.md" for some of them, LEVEL=error for less
	@if $(NO_CC); then echo "prose: skipped, Vale needs a C compiler"; exit; fi; \
		vale=$$($(VALE)) && cd "$(ROOT)" && \
		"$$vale" --config "$(CURDIR)/.vale.ini" --minAlertLevel=$(LEVEL) --output=line $(PAGES)

.PHONY: prose-messages
prose-messages: ## check how Events, errors, logs and help are written, in the product's string literals
	@if $(NO_CC); then echo "prose-messages: skipped, Vale needs a C compiler"; exit; fi; \
		vale=$$($(VALE)) && $(PROSE) -vale "$$vale" -config "$(CURDIR)/.vale.ini" -level $(LEVEL) messages

.PHONY: links
links: ## find links between the pages that lead to no file or heading
	@$(PROSE) links

.PHONY: generate
generate: ## write what is generated: deepcopy, the CRD, the schema and README of the chart's values, the diagram
	$(CONTROLLER_GEN) object paths=./api/...
	$(CONTROLLER_GEN) crd paths=./api/... output:crd:dir=charts/reprise/templates
	$(GO) -C tools/chartdocs run . ../../charts/reprise
	@# Its own fonts and both colour schemes are in the picture.
	$(D2) fmt docs/flow.d2
	$(D2) --theme 0 --dark-theme 200 --pad 20 docs/flow.d2 docs/flow.svg

.PHONY: verify
verify: generate ## fail if something generated, formatted or tidied is not fresh
	$(GO) mod tidy -diff
	$(TESTS) mod tidy -diff
	$(GO) -C tools/release mod tidy -diff
	$(GO) -C tools/dockerfile mod tidy -diff
	$(GO) -C tools/chartdocs mod tidy -diff
	$(GO) -C tools/cover mod tidy -diff
	$(GO) -C tools/prose mod tidy -diff
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	@git diff --exit-code --stat -- api charts docs/flow.d2 docs/flow.svg || { echo "run 'make generate' and commit what it wrote"; exit 1; }
