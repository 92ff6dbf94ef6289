# Builds the image for a cluster. The project's own machines have no container engine: this file is kept in step
# by hand and not built by its tests.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -ldflags="-s -w" -o /reprise ./cmd/reprise

FROM scratch
LABEL org.opencontainers.image.title="reprise" \
      org.opencontainers.image.description="Keeps bad Score deployments out of a cluster and puts the last good one back" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /reprise /reprise
USER 65532:65532
ENTRYPOINT ["/reprise"]
