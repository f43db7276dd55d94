# A static popgate and nothing else: no shell, no packages, not root.
#   docker build -t popgate .
#   docker run -p 995:995 -v ./popgate:/etc/popgate:ro --stop-timeout 160 popgate
# where ./popgate holds config.hcl and the files that it names, readable by user
# 65532. `docker kill -s HUP NAME` reloads.
ARG GO_IMAGE=golang:1.26-bookworm
FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -o /popgate ./cmd/popgate

FROM scratch
COPY --from=build /popgate /popgate
USER 65532:65532
EXPOSE 995
ENTRYPOINT ["/popgate"]
CMD ["serve", "--config", "/etc/popgate/config.hcl"]
