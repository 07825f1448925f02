import type { JsonObject } from '@pulseplane/resources';
import { type Part, request, shell } from '../step.ts';

const NAMESPACE = 'oracle-secrets';
const path = `/api/v1/namespaces/${NAMESPACE}/secrets`;
/** Made for this file alone: openssl req -x509 -newkey ec. A real API server looks whether they fit. */
const X509 = [
  'MIIBhDCCASmgAwIBAgIUP793Kx0TqflzAPXMmt817996KQQwCgYIKoZIzj0EAwIw',
  'FzEVMBMGA1UEAwwMc2l0ZS5leGFtcGxlMB4XDTI2MTEyMzA0NTAyMloXDTM2MTEy',
  'MDA0NTAyMlowFzEVMBMGA1UEAwwMc2l0ZS5leGFtcGxlMFkwEwYHKoZIzj0CAQYI',
  'KoZIzj0DAQcDQgAEta8dWsLWjjVP0z/ZJ5Ppg1wZOCiR0WQ+57LE267+XVUF+LtU',
  'FuNAtgMYkboB3auV1LJFo4yWpH6F4kYmVC/loaNTMFEwHQYDVR0OBBYEFFkFR0hS',
  'Ser169XlLyjU+BZPfxB2MB8GA1UdIwQYMBaAFFkFR0hSSer169XlLyjU+BZPfxB2',
  'MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhANauja714ItA2FSU',
  'zYYa7mpyfqNRbW1lToce4frAvpGOAiEA0dGheAD6cz19Qag5MOLe7kQW7fYUvSei',
  'D9NjkcpP4rA=',
];
const CERTIFICATE = btoa(['-----BEGIN CERTIFICATE-----', ...X509, '-----END CERTIFICATE-----', ''].join('\n'));
const PKCS8 = [
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfkLKAmEc6IZpJPRN',
  'qhKyx2sO4FsaqvkMbsXKMLxyaEyhRANCAAS1rx1awtaONU/TP9knk+mDXBk4KJHR',
  'ZD7nssTbrv5dVQX4u1QW40C2AxiRugHdq5XUskWjjJakfoXiRiZUL+Wh',
];
const KEY = btoa(['-----BEGIN PRIVATE KEY-----', ...PKCS8, '-----END PRIVATE KEY-----', ''].join('\n'));
const DATA = { 'tls.crt': CERTIFICATE, 'tls.key': KEY };

function secret(name: string, content: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name, ...metadata } };
  return { ...object, type: 'kubernetes.io/tls', data: DATA, ...content };
}

const FAULTS: Readonly<Record<string, JsonObject>> = {
  'no data': secret('x', { data: {} }),
  'no key': secret('x', { data: { 'tls.crt': CERTIFICATE } }),
  'a key that cannot be': secret('x', { data: { ...DATA, 'a b': '' } }),
  'data that is no base64': secret('x', { data: { ...DATA, 'tls.crt': '?' } }),
  'data of a wrong type': secret('x', { data: { ...DATA, 'tls.crt': 1 } }),
  'data as text': secret('x', { data: 'a' }),
  'a type of a wrong type': secret('x', { type: 1 }),
  'immutable as text': secret('x', { immutable: 'yes' }),
  'an unknown field': secret('x', { spec: {} }),
  'a name with capitals': secret('X'),
  'a label that cannot be': secret('x', {}, { labels: { a: '-' } }),
};

/** Secrets with certificates. */
export const SECRETS: Part = {
  name: 'secrets',
  namespace: NAMESPACE,
  steps: [
    shell(`kubectl create namespace ${NAMESPACE}`),
    shell('kubectl get secrets', '', 'get where there is nothing'),
    shell('kubectl apply -f -', secret('site'), 'apply'),
    shell('kubectl apply -f -', secret('site'), 'apply again'),
    shell('kubectl get secrets'),
    shell('kubectl get secret site -o wide'),
    shell('kubectl get secret site -o yaml'),
    shell('kubectl get secret site -o yaml --show-managed-fields'),
    shell('kubectl describe secret site | sort'),
    shell('kubectl label secret site team=red'),
    shell('kubectl get secrets -l team=red -o name'),
    shell('kubectl get secrets --field-selector metadata.name=site -o name'),
    shell(`kubectl patch secret site --type=merge -p '{"stringData":{"note":"n"}}'`),
    shell(`kubectl patch secret site -p '{"data":{"note":null}}'`),
    shell(`kubectl patch secret site --type=merge -p '{"type":"Opaque"}'`),
    shell('kubectl diff -f -', secret('site', { data: { ...DATA, more: btoa('m') } }), 'diff'),
    shell('kubectl create -f - --dry-run=server', secret('site'), 'create what is there'),
    shell('kubectl apply --server-side -f - --force-conflicts', secret('site'), 'apply on the server side'),
    shell('kubectl apply --server-side -f -', secret('site', { note: 'n' }), 'an unknown field on the server side'),
    shell(`kubectl patch secret site --type=merge -p '{"immutable":true}'`),
    shell(`kubectl patch secret site --type=merge -p '{"stringData":{"note":"n"}}'`, '', 'change what is immutable'),
    shell(`kubectl patch secret site --type=merge -p '{"immutable":false}'`),
    ...Object.entries(FAULTS).map(([name, body]) =>
      request(name, 'POST', `${path}?dryRun=All&fieldValidation=Strict`, { body }),
    ),
    shell('kubectl explain secrets.data'),
    shell('kubectl delete secret site'),
  ],
};
