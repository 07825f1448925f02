#!/usr/bin/env bash
# Builds the peer of bench:xds, go-control-plane's delta server. Needs Go 1.26 or newer, and the Go module proxy or a
# module cache that has what go.sum names. The bench finds it where this puts it, or where XDS_PEER_BIN says.
set -euo pipefail
cd "$(dirname "$0")"
target=${XDS_PEER_BIN:-../../../../node_modules/.cache/pulseplane/xds-peer}
mkdir -p "$(dirname "$target")"
go build -o "$target" .
echo "built $(realpath "$target")"
