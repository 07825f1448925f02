import { readdirSync, readFileSync } from 'node:fs';
import { dump, loadAll } from 'js-yaml';

export type ExamplePorts = { readonly httpPort: number; readonly tcpPort: number; readonly upstreamPort: number };

type Listener = { readonly protocol: string; readonly port: number };
type Manifest = {
  readonly kind: string;
  readonly spec?: { readonly listeners?: readonly Listener[]; readonly static?: { readonly port: number } };
};

/** The manifests of a folder, in the order of their file names, with the ports that this machine was started with. */
export function exampleManifests(folder: URL, ports: ExamplePorts): string {
  const texts = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => readFileSync(new URL(file, folder), 'utf8'));
  const manifests = texts.flatMap((text) => loadAll(text) as Manifest[]);
  return manifests.map((manifest) => dump(withPorts(manifest, ports))).join('---\n');
}

function withPorts(manifest: Manifest, { httpPort, tcpPort, upstreamPort }: ExamplePorts): Manifest {
  const { listeners, static: address } = manifest.spec ?? {};
  return {
    ...manifest,
    ...(manifest.spec && {
      spec: {
        ...manifest.spec,
        ...(listeners && {
          listeners: listeners.map((listener) => ({
            ...listener,
            port: listener.protocol === 'TCP' ? tcpPort : httpPort,
          })),
        }),
        ...(address && { static: { ...address, port: upstreamPort } }),
      },
    }),
  };
}
