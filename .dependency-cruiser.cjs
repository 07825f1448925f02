// Imports follow the path of a policy: command -> event -> projection -> xDS resource -> worker -> socket.
const PACKAGES = '^packages/';
const SERVICES = '^services/';

/** Which rooms a room may import, besides itself. */
const ROOMS = {
  resources: [],
  telemetry: [],
  'command-line': ['telemetry'],
  keepalive: [],
  'event-log': ['resources'],
  'field-ownership': ['resources'],
  projection: ['resources', 'event-log'],
  lint: ['resources', 'projection/src/gateway'],
  wire: ['projection/src/gateway'],
  envoy: ['projection/src/gateway', 'wire'],
  xds: ['wire'],
  tunnel: ['wire', 'xds'],
};
const WORKER = ['command-line', 'keepalive', 'projection/src/gateway', 'telemetry', 'tunnel', 'wire', 'xds'];
const CONTROL_PLANE = [
  'command-line',
  'envoy',
  'event-log',
  'field-ownership',
  'lint',
  'projection',
  'resources',
  'telemetry',
  'tunnel',
  'wire',
  'xds',
];
const PULSE = ['command-line', 'event-log', 'telemetry'];
const DEMO = ['command-line', 'telemetry'];

function only(name, from, own, rooms) {
  const allowed = [own, ...rooms.map((room) => `${PACKAGES}${room}(/|$)`)];
  return {
    name,
    severity: 'error',
    comment: `${own} may import ${rooms.length === 0 ? 'no other room' : rooms.join(', ')}`,
    from: { path: from, pathNot: '[.]test[.]ts$' },
    to: { path: '^(packages|services)/', pathNot: allowed },
  };
}

module.exports = {
  forbidden: [
    ...Object.entries(ROOMS).map(([room, rooms]) =>
      only(`direction-of-${room}`, `${PACKAGES}${room}/`, `${PACKAGES}${room}/`, rooms),
    ),
    only('direction-of-control-plane', `${SERVICES}control-plane/`, `${SERVICES}control-plane/`, CONTROL_PLANE),
    only('direction-of-data-plane', `${SERVICES}data-plane/`, `${SERVICES}data-plane/`, WORKER),
    only('direction-of-pulse', `${SERVICES}pulse/`, `${SERVICES}pulse/`, PULSE),
    only('direction-of-demo-upstream', `${SERVICES}demo-upstream/`, `${SERVICES}demo-upstream/`, DEMO),
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-rooms-do-no-io',
      severity: 'error',
      comment: 'what is decided here must not depend on the machine; reading a certificate does not',
      from: {
        path: `${PACKAGES}(resources|field-ownership|lint|projection|envoy)/src`,
        pathNot: ['[.]test[.]ts$', '/testing/', `${PACKAGES}projection/src/key-pair[.]ts$`],
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'machines-do-no-io',
      severity: 'error',
      comment: 'the protocol is step(state, input); sockets are in src/grpc',
      from: { path: `${PACKAGES}xds/src/protocol`, pathNot: '[.]test[.]ts$' },
      to: { pathNot: [`${PACKAGES}xds/src/protocol`] },
    },
    {
      name: 'http2-does-no-io',
      severity: 'error',
      comment: 'a session is given the bytes that were read; sockets are in src/proxy',
      from: { path: `${SERVICES}data-plane/src/http2`, pathNot: '[.]test[.]ts$' },
      to: { pathNot: [`${SERVICES}data-plane/src/http2`] },
    },
    {
      name: 'generated-code-stays-on-the-wire',
      severity: 'error',
      from: { pathNot: `${PACKAGES}wire/src` },
      to: { path: `${PACKAGES}wire/src/gen` },
    },
    {
      name: 'socket-options-in-one-place',
      severity: 'error',
      from: { pathNot: `${PACKAGES}keepalive/src` },
      to: { path: 'node_modules/koffi' },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['(^|/)dist/', '[.]tsbuildinfo$'] },
    enhancedResolveOptions: {
      conditionNames: ['@pulseplane/source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
