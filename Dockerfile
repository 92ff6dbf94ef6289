# Builds the image where there is a container engine: docker build --build-arg VERSION=0.1.0 .
# NOT BUILT by the project's own tests, whose machines have none. They lint it, and compare what it
# says with the image that `make image` makes without an engine (tools/release/image), which is the
# one that is released.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH
# The version that the binary says it is: make image and make dist take it from git.
ARG VERSION
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w -X reprise.dev/reprise/internal/version.stamp=$VERSION" \
    -o /reprise ./cmd/reprise

FROM scratch
ARG VERSION REVISION CREATED
LABEL org.opencontainers.image.title="reprise" \
      org.opencontainers.image.description="Keeps bad Score deployments out of a cluster and puts the last good one back" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
COPY --from=build /reprise /reprise
USER 65532:65532
ENTRYPOINT ["/reprise"]
