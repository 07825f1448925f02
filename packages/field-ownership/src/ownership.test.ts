import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GATEWAY, type JsonObject } from '@pulseplane/resources';
import { applyConfiguration, fieldTypeOf, type ManagedFieldsEntry, reportConflicts, trackUpdate } from './index.ts';

const TYPE = fieldTypeOf(GATEWAY.schema);
const API_VERSION = 'gateway.networking.k8s.io/v1';

test('a creation is owned by its writer, but for what names the object and what the server sets', () => {
  const written = gateway([{ name: 'a<b', port: 1, protocol: 'TCP' }], { team: 'x' });
  assert.deepEqual(trackUpdate({ type: TYPE, live: undefined, written, writer: writer('curl', 1) }), [
    {
      apiVersion: API_VERSION,
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { '.': {}, 'f:team': {} } },
        'f:spec': {
          '.': {},
          'f:gatewayClassName': {},
          'f:listeners': {
            '.': {},
            'k:{"name":"a\\u003cb"}': { '.': {}, 'f:name': {}, 'f:port': {}, 'f:protocol': {} },
          },
        },
      },
      manager: 'curl',
      operation: 'Update',
      time: '2000-01-01T00:00:01Z',
    },
  ]);
});

test('conflicts are reported in the words of Kubernetes, by owner', () => {
  const live = gateway([{ name: 'a', port: 1, protocol: 'TCP' }], { team: 'x' });
  const first = owned(live, trackUpdate({ type: TYPE, live: undefined, written: live, writer: writer('zed', 1) }));
  const changed = gateway([{ name: 'a', port: 2, protocol: 'TCP' }], { team: 'x' });
  const second = owned(changed, trackUpdate({ type: TYPE, live: first, written: changed, writer: writer('curl', 2) }));
  const wish = (port: number, team: string, force = false) =>
    applyConfiguration({
      type: TYPE,
      live: second,
      config: gateway([{ name: 'a', port, protocol: 'TCP' }], { team }),
      writer: writer('gitops', 3),
      force,
    });
  const one = wish(3, 'x');
  assert.ok(one.kind === 'conflicts');
  assert.deepEqual(reportConflicts(one.conflicts), {
    message: `Apply failed with 1 conflict: conflict with "curl" using ${API_VERSION}: .spec.listeners[name="a"].port`,
    causes: [
      {
        reason: 'FieldManagerConflict',
        message: `conflict with "curl" using ${API_VERSION}`,
        field: '.spec.listeners[name="a"].port',
      },
    ],
  });
  const two = wish(3, 'y');
  assert.ok(two.kind === 'conflicts');
  assert.equal(
    reportConflicts(two.conflicts).message,
    `Apply failed with 2 conflicts: conflicts with "curl" using ${API_VERSION}:\n- .spec.listeners[name="a"].port\n` +
      `conflicts with "zed" using ${API_VERSION}:\n- .metadata.labels.team`,
  );
  assert.equal(wish(2, 'x').kind, 'applied');
  assert.equal(wish(3, 'y', true).kind, 'applied');
});

test('what was owned through another version of the API, and a list that cannot be read, count for nothing', () => {
  const live = gateway([{ name: 'a', port: 1, protocol: 'TCP' }], {});
  const entry = (apiVersion: string, operation: string): JsonObject => ({
    apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1: { 'f:spec': { 'f:gatewayClassName': {} } },
    manager: 'm',
    operation,
  });
  const changed = gateway([{ name: 'a', port: 2, protocol: 'TCP' }], {});
  const managers = (managedFields: readonly JsonObject[]) =>
    trackUpdate({
      type: TYPE,
      live: owned(live, [entry(API_VERSION, 'Update')]),
      written: owned(changed, managedFields),
      writer: writer('curl', 1),
    }).map(({ manager, operation }) => `${manager} ${operation}`);
  assert.deepEqual(managers([entry(API_VERSION, 'Apply')]), ['m Apply', 'curl Update']);
  assert.deepEqual(managers([entry('gateway.networking.k8s.io/v1beta1', 'Apply')]), ['curl Update']);
  assert.deepEqual(managers([entry(API_VERSION, 'Delete')]), ['m Update', 'curl Update']);
  assert.deepEqual(managers([]), []);
});

function gateway(listeners: readonly JsonObject[], labels: JsonObject): JsonObject {
  return {
    apiVersion: API_VERSION,
    kind: 'Gateway',
    metadata: {
      name: 'g',
      namespace: 'n',
      uid: 'u',
      generation: 1,
      ...(Object.keys(labels).length > 0 && { labels }),
    },
    spec: { gatewayClassName: 'c', listeners },
  };
}

function owned(object: JsonObject, managedFields: readonly (ManagedFieldsEntry | JsonObject)[]): JsonObject {
  return { ...object, metadata: { ...(object['metadata'] as JsonObject), managedFields } };
}

function writer(manager: string, second: number) {
  return { manager, apiVersion: API_VERSION, time: `2000-01-01T00:00:0${second}Z` };
}
