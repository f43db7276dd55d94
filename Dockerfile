# A static popgate and nothing else: no shell, no packages, not root.
#   docker build -t popgate .
#   docker run -p 80:80 -p 443:443 -p 995:995 -v ./popgate:/etc/popgate:ro \
#     -v ./acme:/var/lib/popgate/acme --tmpfs /run/popgate --stop-timeout 160 popgate
# where ./popgate holds config.hcl and the files that it names, readable by user
# 65532, who also owns ./acme (docs/certificates.md). `docker kill -s HUP NAME`
# reloads.
ARG GO_IMAGE=golang:1.26-bookworm
FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /popgate ./cmd/popgate

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /popgate /popgate
USER 65532:65532
EXPOSE 80 443 995
ENTRYPOINT ["/popgate"]
CMD ["serve", "--config", "/etc/popgate/config.hcl"]
