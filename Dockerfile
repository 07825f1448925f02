# One image for every process of Pulseplane; the compose file says which one a container runs.

# The package.json files alone, so that a change of the sources does not install everything anew.
FROM node:24-bookworm-slim AS manifests
WORKDIR /pulseplane
COPY . .
RUN find . -type f -not -name package.json -not -name package-lock.json -not -name .npmrc -delete && find . -type d -empty -delete

FROM node:24-bookworm-slim AS dependencies
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /pulseplane
COPY --from=manifests /pulseplane ./
RUN npm install --no-save --omit=dev --no-audit --no-fund

FROM dependencies AS build
RUN npm install --no-save --no-audit --no-fund
COPY . .
RUN npx tsc -b services/control-plane services/data-plane services/demo-upstream services/pulse && npm run build -w packages/resources -w services/control-plane

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /pulseplane
COPY --from=dependencies /pulseplane ./
COPY --from=build /pulseplane/packages packages
COPY --from=build /pulseplane/services services
COPY migrations migrations
COPY examples examples
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
