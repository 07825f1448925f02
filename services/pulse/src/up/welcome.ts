import { join } from 'node:path';
import { workerPort } from '@pulseplane/command-line';
import { urlHost } from './address.ts';
import type { UpConfig } from './config.ts';

/** What a person reads once everything runs: what runs where, and what to try. */
export function welcome(config: UpConfig, kubeconfig: string, pids: ReadonlyMap<string, number>): string {
  const { restPort, xdsPort, adminPort, metricsPort, readinessPort, upstreamPort, httpPort, tcpPort } = config;
  const address = urlHost(config.address);
  const others = Array.from({ length: config.workers - 1 }, (_, index) => workerPort(adminPort, index + 1));
  const beside =
    others.length === 0 ? '' : `\n  ${config.workers} workers       admin of the others :${others.join(' :')}`;
  const pid = (name: string): string => `pid ${pids.get(name) ?? '?'}`;
  return `
Pulseplane is running. Ctrl-C stops it; the data stays in ${config.dataDir}

  control plane   REST http://${address}:${restPort}   xDS ${address}:${xdsPort}   (${pid('control-plane')})
  worker          admin http://${address}:${adminPort}   metrics :${metricsPort}   readiness :${readinessPort}   (${pid('data-plane')})${beside}
  demo upstream   http://${address}:${upstreamPort}   (${pid('demo-upstream')})
  logs            ${join(config.dataDir, 'logs')}

Since its first start the gateway httpbin/agentgateway-proxy listens where its object says; --http-port and --tcp-port
(now ${httpPort} and ${tcpPort}) and the backend's --upstream-port count on that first start only.

First, so that nothing is ever applied to another cluster by accident:

export KUBECONFIG=${kubeconfig}

Then try:

curl -s http://${address}:${httpPort}/headers
kubectl get gateways,httproutes,tcproutes,agbe -A
kubectl apply -f- <<EOF
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata:
  name: httpbin-keepalive
  namespace: httpbin
spec:
  targetRefs:
  - kind: Gateway
    name: agentgateway-proxy
    group: gateway.networking.k8s.io
  frontend:
    tcp:
      keepalive:
        retries: 3
        time: 30s
        interval: 5s
EOF
kubectl get agpol -A
curl -s http://${address}:${adminPort}/config_dump
curl -s http://${address}:${adminPort}/connections
kubectl delete AgentgatewayPolicy httpbin-keepalive -n httpbin

`;
}
