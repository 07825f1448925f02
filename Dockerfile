# One image for every process of Pulseplane; the compose file says which one a container runs.
FROM node:24-bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 make g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /pulseplane
COPY package.json package-lock.json .npmrc ./
COPY packages packages
COPY services services
RUN find packages services -mindepth 2 -not -name package.json -not -type d -delete
RUN npm install --no-save --no-audit --no-fund
COPY . .
RUN npx tsc -b services/control-plane services/data-plane services/demo-upstream && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /pulseplane
COPY --from=build /pulseplane/package.json ./
COPY --from=build /pulseplane/node_modules node_modules
COPY --from=build /pulseplane/packages packages
COPY --from=build /pulseplane/services services
COPY --from=build /pulseplane/migrations migrations
COPY --from=build /pulseplane/examples examples
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
