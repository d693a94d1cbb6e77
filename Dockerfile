# syntax=docker/dockerfile:1.7
#
# Two images from one file:
#   docker build .                   kubestats with the embedded ClickHouse (Linux x64: the only one locked in engine/platforms.json)
#   docker build --target server .   without it, for a ClickHouse server beside it
#
# Base images are pinned by tag. Pin their digests, too, where images are published.

# The playground: plain files, so it is built on the builder's own platform.
FROM --platform=$BUILDPLATFORM node:24.18.0-bookworm-slim AS playground
WORKDIR /src/playground
COPY playground/package.json playground/package-lock.json playground/.npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --ignore-scripts --no-audit --no-fund
COPY playground ./
RUN npm run --silent build

# The embedded engine's library, checked against the hash in engine/platforms.json.
FROM node:24.18.0-bookworm-slim AS engine
WORKDIR /src/engine
COPY engine ./
# Not cached between builds as a mount: the layer itself is the cache.
RUN KUBESTATS_ENGINE_CACHE=/tmp/engine node install.mjs \
    && install -D -m 0644 /tmp/engine/*/libchdb.so /out/libchdb.so \
    && rm -r /tmp/engine

# The program. The slim image has the C compiler that dependencies need.
FROM rust:1.95.0-slim-bookworm AS program
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY clickhouse clickhouse
COPY src src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked \
    && install -D -m 0755 target/release/kubestats /out/kubestats

FROM debian:bookworm-20260824-slim AS server
# git reads the repositories; tini reaps what it leaves behind; curl asks /readyz.
# Versions are those of the dated base image's Debian release, with its security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl git tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 kubestats \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin kubestats \
    && install -d -o kubestats -g kubestats -m 0700 /data
COPY --from=program /out/kubestats /usr/local/bin/kubestats
COPY --from=playground /src/playground/dist /usr/local/share/kubestats/playground
COPY LICENSE LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/kubestats/
# Listening on all addresses is for the container's own network: publish the port on loopback, there are no accounts yet.
ENV KUBESTATS_DATA_DIR=/data \
    KUBESTATS_PLAYGROUND__DIR=/usr/local/share/kubestats/playground \
    KUBESTATS_SERVER__LISTEN=0.0.0.0:8080
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["tini", "--", "kubestats"]
CMD ["serve"]
LABEL org.opencontainers.image.title="kubestats" \
      org.opencontainers.image.description="Lifecycle analytics for Kubernetes GitOps repositories" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-20260824-slim"

FROM server AS embedded
COPY --from=engine /out/libchdb.so /usr/local/lib/kubestats/libchdb.so
ENV KUBESTATS_ENGINE__LIBRARY=/usr/local/lib/kubestats/libchdb.so
