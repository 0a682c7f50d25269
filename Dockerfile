# ChatApp's images, from the sources and three public base images:
#
#   docker build --target service --build-arg SERVICE=messages -t chatapp-messages:dev .
#   docker build --target gateway -t chatapp-gateway:dev .   Caddy with the UI
#   docker build -t chatapp:dev .                            everything in one
#
# Services and the all-in-one are one static file each on nothing. They run as
# 65532, on a read-only root, without capabilities.

FROM node:20-bookworm-slim AS ui
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY web ./
RUN npm run build

FROM golang:1.26-bookworm AS go
WORKDIR /src
ENV GOWORK=off CGO_ENABLED=0
COPY . .
ARG VERSION=dev
ENV BUILD="go build -tags nomsgpack -trimpath -buildvcs=false"

FROM go AS build-service
ARG SERVICE
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    $BUILD -ldflags "-s -w -X chatapp/libs/obs.version=$VERSION" -o /out/service "./services/${SERVICE:?--build-arg SERVICE=auth, users, messages or notify}/cmd/$SERVICE"

# A service under a debugger: see docker-compose.override.yml.example.
FROM go AS debug
ARG SERVICE
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    GOBIN=/usr/local/bin go install github.com/go-delve/delve/cmd/dlv@v1.27.2 && \
    go build -tags nomsgpack -gcflags 'all=-N -l' -o /service "./services/$SERVICE/cmd/$SERVICE"
ENV CHAT_LISTEN=:8080 CHAT_ADMIN_LISTEN=:8081 HOME=/tmp
USER 65532:65532
ENTRYPOINT ["dlv", "exec", "/service", "--headless", "--listen=:2345", "--accept-multiclient", "--continue", "--"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=2m CMD ["/service", "healthcheck"]

FROM go AS build-chatapp
COPY --from=ui /src/web/dist web/dist
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    $BUILD -ldflags "-s -w -X chatapp/libs/obs.version=$VERSION" -o /out/chatapp ./cmd/chatapp && mkdir /out/data

# What both have. The authorities are for traces and `chatapp verify` over
# HTTPS; time zones nobody needs: all times are UTC.
FROM scratch AS base
COPY --from=go /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
ENV CHAT_LISTEN=:8080 CHAT_ADMIN_LISTEN=:8081 CHAT_LOG_FORMAT=json
EXPOSE 8080
USER 65532:65532
ARG VERSION=dev
LABEL org.opencontainers.image.title="ChatApp" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"

FROM base AS service
ARG SERVICE
LABEL org.opencontainers.image.title="ChatApp $SERVICE"
COPY --from=build-service /out/service /service
ENTRYPOINT ["/service"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=2m CMD ["/service", "healthcheck"]

# Caddy starts, and so serves the UI, before any service is there.
FROM caddy:2.11 AS gateway
ARG VERSION=dev
LABEL org.opencontainers.image.title="ChatApp gateway" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION"
COPY deploy/gateway/Caddyfile /etc/caddy/Caddyfile
COPY --from=ui /src/web/dist /srv/web
COPY --from=go --chown=65532:65532 /src/web/dist/.gitkeep /var/lib/caddy/
# Certificates; the same site also answers on 8081, for the health check.
ENV XDG_DATA_HOME=/var/lib/caddy XDG_CONFIG_HOME=/var/lib/caddy CHAT_GATEWAY_ADDRESS=":8080, http://127.0.0.1:8081"
EXPOSE 8080
USER 65532:65532
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8081/theme.js"]
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]

FROM base AS chatapp
COPY --from=build-chatapp /out/chatapp /chatapp
COPY --from=build-chatapp --chown=65532:65532 /out/data /data
ENV CHAT_DATA_DIR=/data
ENTRYPOINT ["/chatapp"]
HEALTHCHECK --interval=5s --timeout=3s --start-period=2m CMD ["/chatapp", "healthcheck"]
