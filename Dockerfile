# syntax=docker/dockerfile:1
# The one binary in an image with nothing else: no shell, no package manager, no root.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# timetzdata embeds the time zones that batches are configured with: this image has no zone files.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags '-s -w' -o /image/tearoff ./cmd/tearoff
RUN install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install -d -m 1777 /image/tmp

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
# Inside a container the port is published by whoever runs it; elsewhere the default is loopback.
ENV TEAROFF_ADDR=0.0.0.0:8080
EXPOSE 8080
ENTRYPOINT ["/tearoff"]
CMD ["serve"]
