# The server and nothing else. Build: docker build -t parley .   Run: DEPLOY.md.
#
# The base is Debian 12, for which scripts/mediasoup-worker is written; a newer one works where mediasoup's worker can be
# downloaded.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /source
# Only where the npm registry is reached through a mirror.
ARG NPM_CONFIG_REGISTRY
ENV XDG_CACHE_HOME=/cache
# The packages and the worker change seldom, and where the worker has to be built, that takes minutes: a layer of its own.
COPY .npmrc package.json package-lock.json ./
COPY scripts scripts
RUN ["node", "scripts/setup.mjs", "worker"]
COPY LICENSE ./
COPY agents agents
COPY client-sdk client-sdk
COPY media media
COPY server server
COPY signalling signalling
COPY web web
RUN ["node", "scripts/setup.mjs", "image", "/image"]

FROM ${NODE_IMAGE}
# The worker's libraries, as Debian packages: a scanner sees them, and a new build takes their security updates. A worker
# that was downloaded needs none. npm and yarn are of no use to a server.
COPY --from=build /image/debian-packages /usr/share/parley/debian-packages
RUN apt-get update \
  && xargs -a /usr/share/parley/debian-packages --no-run-if-empty apt-get install -y --no-install-recommends \
  && rm -rf /var/lib/apt/lists/* /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx \
    /usr/local/bin/corepack /opt/yarn-v* /usr/local/bin/yarn /usr/local/bin/yarnpkg
WORKDIR /app
COPY --from=build /image/app ./
# Started by hand the worker ends with 41 (scripts/setup/media-worker.mjs); anything else means that a library is missing.
RUN bin/mediasoup-worker; test $? -eq 41
ENV NODE_ENV=production MEDIASOUP_WORKER_BIN=/app/bin/mediasoup-worker ORT_DISABLE_TELEMETRY=1
# The base image's user `node`, as a number so that Kubernetes can see that it is not root. Nothing in /app belongs to it,
# and the server writes no files.
USER 1000:1000
EXPOSE 3000/tcp 40000-40001/udp 40000-40001/tcp
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "scripts/pod/health-check.mjs"]
# Node itself is process 1: it takes SIGTERM (server/main.ts) and waits for the media workers, its only children. With an
# init that signals the whole group the media workers would die before their calls have moved.
STOPSIGNAL SIGTERM
CMD ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=16", "server/main.ts"]
