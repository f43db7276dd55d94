# A static popgate and nothing else: no shell, no packages, not root.
# `make image` builds it and says which version and commit it is. docs/install.md tells
# how to run it. deploy/container/build-test builds it where nothing can be pulled, and
# sends mail through it.
#
# Deliberate: the binary has no capability to open ports below 1024. With one, it
# could not be started at all where that is taken from the container
# (--cap-drop ALL), and it would come to nothing without new privileges.
ARG GO_IMAGE=golang:1.26
FROM ${GO_IMAGE} AS build
# For those who can't reach the usual places; unset, they are Go's defaults.
ARG GOPROXY
ARG GOSUMDB
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# There is no .git here (.dockerignore), so that `popgate version` knows version and
# commit by these only.
ARG VERSION
ARG REVISION
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.release=${VERSION} -X main.revision=${REVISION}" -o /image/popgate ./cmd/popgate \
    && deploy/licenses /image/popgate > /image/licenses
# /run/popgate is open to all, as /tmp is: what is mounted over it has its mode, but
# belongs to root.
RUN cd /image && mkdir -p etc/popgate etc/ssl/certs run/popgate var/lib/popgate \
    && chown 65532:65532 run/popgate var/lib/popgate \
    && chmod 1777 run/popgate && chmod 0700 var/lib/popgate \
    && echo 'popgate:x:65532:65532:popgate:/var/lib/popgate:/sbin/nologin' > etc/passwd \
    && echo 'popgate:x:65532:' > etc/group \
    && cp /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/

FROM scratch
COPY --from=build /image/ /
USER 65532:65532
WORKDIR /etc/popgate
VOLUME /var/lib/popgate
EXPOSE 80 443 995
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s CMD ["/popgate", "health", "--quiet"]
ENTRYPOINT ["/popgate"]
CMD ["serve"]
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="popgate" \
      org.opencontainers.image.description="TLS-terminating POP3 proxy" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION:-devel}" \
      org.opencontainers.image.revision="${REVISION}"
