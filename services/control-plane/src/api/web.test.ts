import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { createMemoryEventLog, StorageFault } from '@pulseplane/event-log';
import { wrapEventLog } from '@pulseplane/event-log/testing';
import { createFixture, JSON_PATCH, MERGE, POLICIES, POLICY, TCP_POLICY } from './testing/api-fixture.ts';
import { listen } from './testing/stream-client.ts';

describe('who may ask', () => {
  const hosts = [
    ['127.0.0.1:8080', 200],
    ['localhost', 200],
    ['[::1]:8080', 200],
    ['LOCALHOST:1', 200],
    ['pulseplane.example:8080', 200],
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost.evil.example:8080', 403],
  ] as const;
  for (const [host, code] of hosts) {
    test(`the host ${host} gets ${code}`, async () => {
      const { send } = await createFixture({ allowedHosts: ['pulseplane.example'] });
      const answer = await send('GET', '/version', undefined, { host });
      assert.equal(answer.statusCode, code);
    });
  }

  const origins = [
    ['http://127.0.0.1:8080', 200],
    ['http://127.0.0.1:9090', 403],
    ['http://evil.example', 403],
    ['null', 403],
    ['', 403],
  ] as const;
  for (const [origin, code] of origins) {
    test(`the origin ${JSON.stringify(origin)} gets ${code}`, async () => {
      const { send } = await createFixture();
      assert.equal((await send('GET', '/version', undefined, { origin })).statusCode, code);
    });
  }
});

describe('bodies', () => {
  const put = async (body: string, headers: Record<string, string> = {}) => {
    const { send, log } = await createFixture();
    const answer = await send('POST', POLICIES, body, headers);
    assert.equal(log.head(), 2);
    return { code: answer.statusCode, ...(answer.json() as { message: string; reason: string }) };
  };
  const yaml = { 'content-type': 'application/yaml' };

  test('only the listed types are taken', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', '']) {
      const { code, message } = await put(JSON.stringify(TCP_POLICY), { 'content-type': type });
      assert.equal(code, 415);
      assert.equal(
        message,
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
      );
    }
  });

  test('a body above 1 MiB is 413', async () => {
    const { code, message } = await put(' '.repeat(1_048_577));
    assert.equal(code, 413);
    assert.equal(message, 'Request entity too large: limit is 1048576');
  });

  const refused: readonly (readonly [name: string, body: string, headers: Record<string, string>, message: RegExp])[] =
    [
      ['no JSON', '{', {}, /the body is not JSON/],
      ['JSON with a fault, of which nothing is quoted', '{"a": private}', {}, /^the body is not JSON: [^"]*'p'$/],
      ['a long body with a fault', `{"${'a'.repeat(50)}": private}`, {}, /^the body is not JSON: [^"]*'p'$/],
      ['lines with a fault', '{\n"a": private}', {}, /^the body is not JSON: [^"]*'p'$/],
      ['an empty body', '', { 'content-type': 'application/json' }, /the body is not JSON/],
      ['a list', '[]', {}, /must be an object/],
      ['JSON nested too deep', `${'['.repeat(65)}${']'.repeat(65)}`, {}, /nested 65 deep; at most 64/],
      ['JSON nested absurdly deep', '['.repeat(500_000), {}, /nested 500000 deep/],
      ['a repeated key', '{"metadata":{"name":"a","name":"b"}}', {}, /duplicate field "metadata\.name"/],
      ['a key repeated by an escape', '{"spec":{},"sp\\u0065c":{}}', {}, /duplicate field "spec"/],
      [
        'half of a surrogate pair',
        '{"metadata":{"annotations":{"note":"a\\ud800"}}}',
        {},
        /^metadata\.annotations\.note: Invalid value: "\\ud800": must be Unicode text/,
      ],
      ['half of a pair in a name', '{"metadata":{"labels":{"\\udc00":"a"}}}', {}, /^metadata\.labels: .*"\\udc00"/],
      ['half of a pair in a list', '["\\ud83d","\\ude00"]', {}, /^0: Invalid value: "\\ud83d"/],
      ['half of a pair in YAML', 'metadata: {name: "\\ud800"}', yaml, /^metadata\.name: .*"\\ud800"/],
      ['half of a pair in long YAML', 'a: "\\U0000DFFF"', yaml, /^a: Invalid value: "\\udfff"/],
      ['__proto__', '{"metadata":{"__proto__":{"a":1}}}', {}, /"__proto__" is not allowed/],
      ['__proto__ in YAML', 'metadata:\n  __proto__: {a: 1}', yaml, /"__proto__" is not allowed/],
      ['a repeated key in YAML', 'a: 1\na: 2', yaml, /duplicated mapping key/],
      ['no YAML', 'a: [', yaml, /the text is not YAML/],
      ['two YAML documents', 'a: 1\n---\na: 2', yaml, /holds 2 YAML documents/],
      ['an empty YAML document', '---\n', yaml, /the body is empty/],
      ['YAML nested too deep', `${'['.repeat(70)}${']'.repeat(70)}`, yaml, /deep|nesting|depth/i],
      ['an infinite number', 'a: .inf', yaml, /is not a JSON number/],
      [
        'a YAML alias bomb',
        `a0: &a0 [x]\n${Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}`,
        yaml,
        /more than 200000 values/,
      ],
      ['a YAML alias to itself', 'a: &a [*a]', yaml, /nested more than 64 deep|alias/],
      ['a YAML tag', 'a: !!js/function x', yaml, /tag/],
    ];
  for (const [name, body, headers, message] of refused) {
    test(`${name} is 400`, async () => {
      const answer = await put(body, headers);
      assert.equal(answer.code, 400, answer.message);
      assert.match(answer.message, message);
    });
  }

  test('half of a surrogate pair is 400 in every patch; a whole pair is what it stands for', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const { apiVersion, kind } = TCP_POLICY;
    const metadata = '{"name": "httpbin-keepalive", "annotations": {"note": "NOTE"}}';
    const patches = [
      [MERGE, '{"metadata":{"annotations":{"note":"NOTE"}}}'],
      [JSON_PATCH, '[{"op":"add","path":"/metadata/annotations","value":{"note":"NOTE"}}]'],
      ['application/apply-patch+yaml', `{"apiVersion":"${apiVersion}","kind":"${kind}","metadata":${metadata}}`],
      ['application/apply-patch+yaml', `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: ${metadata}`],
    ] as const;
    for (const [type, body] of patches) {
      const patch = (note: string) =>
        send('PATCH', `${POLICY}?fieldManager=m`, body.replace('NOTE', note), { 'content-type': type });
      const refused = await patch('\\ud83d');
      assert.equal(refused.statusCode, 400, type);
      assert.match(refused.json().message, /note: Invalid value: "\\ud83d": must be Unicode text/, type);
      assert.equal((await patch('\\ud83d\\ude00')).json().metadata.annotations.note, '\u{1f600}', type);
    }
  });

  test('bytes that are no UTF-8 are 400 in JSON and YAML', async () => {
    const { app } = await createFixture();
    for (const type of ['application/json', 'application/yaml']) {
      const payload = Buffer.from([0x22, 0xc3, 0x28, 0x22]);
      const headers = { host: 'localhost', 'content-type': type };
      const answer = await app.inject({ method: 'POST', url: POLICIES, headers, payload });
      assert.deepEqual([answer.statusCode, answer.json().message], [400, 'the body is not UTF-8']);
    }
  });

  test('a huge number of labels is 422', async () => {
    const { send } = await createFixture();
    const labels = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`l${index}`, 'x']));
    const metadata = { ...TCP_POLICY.metadata, labels };
    const answer = await send('POST', POLICIES, { ...TCP_POLICY, metadata });
    assert.equal(answer.statusCode, 422);
    assert.match(answer.json().message, /metadata\.labels: Too many: 1001: must have at most 1000 items/);
  });

  test('a JSON patch cannot copy itself large or reach a prototype', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const copies = Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '/spec', path: `/spec/x${index}` }));
    const grown = await send('PATCH', POLICY, copies, { 'content-type': JSON_PATCH });
    assert.equal(grown.statusCode, 422);
    assert.match(grown.json().message, /copies more than 1048576 bytes/);
    for (const [path, name] of [
      ['/__proto__/polluted', '__proto__'],
      ['/metadata/labels/__proto__', '__proto__'],
      ['/constructor/prototype/polluted', 'constructor'],
    ]) {
      const answer = await send('PATCH', POLICY, [{ op: 'add', path, value: 1 }], { 'content-type': JSON_PATCH });
      assert.equal(answer.statusCode, 422);
      assert.equal(
        answer.json().message,
        `the server rejected our request due to an error in our request: operation 0 on "${path}": the field name "${name}" is not allowed`,
      );
    }
    assert.equal(({} as { polluted?: number }).polluted, undefined);
    for (const patch of [[{ op: 'fly', path: '/a' }], [{ op: 'add', path: 'a', value: 1 }]]) {
      assert.equal((await send('PATCH', POLICY, patch, { 'content-type': JSON_PATCH })).statusCode, 422);
    }
  });
});

describe('requests that do not become one', () => {
  const cases: readonly (readonly [name: string, bytes: string, line: string, message: RegExp])[] = [
    ['no HTTP', 'nonsense\r\n\r\n', '400 Bad Request', /^the request is not HTTP: /],
    ['no Host', 'GET /version HTTP/1.1\r\nconnection: close\r\n\r\n', '400 Bad Request', /has no Host header$/],
    [
      'headers above 16 KiB',
      `GET /version HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
      /headers of the request are too large/,
    ],
    ['headers that do not end', 'GET /version HTTP/1.1\r\nhost: localhost\r\n', '408 Request Timeout', /in time/],
    [
      'a body that does not end',
      `POST ${POLICIES} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n{`,
      '408 Request Timeout',
      /in time/,
    ],
    [
      'two lengths',
      `POST ${POLICIES} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
      '400 Bad Request',
      /^the request is not HTTP: /,
    ],
  ];
  for (const [name, bytes, line, message] of cases) {
    test(`${name}: ${line}`, async (context) => {
      const { app } = await createFixture({ requestTimeoutMs: 400 });
      context.after(() => app.close());
      const { port } = new URL(await listen(app));
      const socket = connect({ host: '127.0.0.1', port: Number(port) }).setEncoding('utf8');
      socket.write(bytes);
      const [head = '', body = ''] = (await socket.toArray()).join('').split('\r\n\r\n');
      assert.equal(head.split('\r\n', 1)[0], `HTTP/1.1 ${line}`);
      const status = JSON.parse(body);
      assert.deepEqual([status.kind, status.code], ['Status', Number(line.slice(0, 3))]);
      assert.match(status.message, message);
    });
  }
});

describe('answers', () => {
  test('every answer has a request id of its own and is not cached', async () => {
    const { send } = await createFixture();
    const ids = new Set<string>();
    for (const url of ['/version', '/nope', POLICY, '/openapi/v3', '/%zz']) {
      const { headers } = await send('GET', url, undefined, { 'x-request-id': 'mine' });
      assert.equal(headers['cache-control'], 'no-cache, private');
      ids.add(String(headers['x-request-id']));
    }
    assert.equal(ids.size, 5);
    assert.ok(!ids.has('mine'));
  });

  test('an unknown path is a Status', async () => {
    const { send } = await createFixture();
    const answer = await send('GET', '/nope');
    assert.equal(answer.statusCode, 404);
    assert.equal(answer.json().message, 'the server could not find the requested resource');
    assert.equal((await send('GET', '/%zz')).json().code, 400);
  });

  test('a method that a path does not have is 405', async () => {
    const { app, send } = await createFixture();
    assert.equal((await send('POST', POLICY, TCP_POLICY)).statusCode, 405);
    assert.equal((await send('PUT', POLICIES)).statusCode, 405);
    assert.equal((await send('POST', '/version')).statusCode, 405);
    for (const method of ['OPTIONS', 'TRACE', 'PROPFIND'] as const) {
      for (const url of [POLICIES, '/version', '/']) {
        const answer = await app.inject({ method: method as 'OPTIONS', url, headers: { host: 'localhost' } });
        assert.equal(answer.statusCode, 405, `${method} ${url}`);
        assert.equal(answer.json().reason, 'MethodNotAllowed');
      }
    }
    assert.equal((await send('POST', '/nope')).statusCode, 404);
  });

  test('parameters of a list are read as Kubernetes reads them', async () => {
    const { send } = await createFixture();
    await send('POST', POLICIES, TCP_POLICY);
    const ask = async (query: string) => send('GET', `${POLICIES}?${query}`);
    for (const query of ['limit=x', 'limit=1.5', 'timeoutSeconds=x', 'watch=true&limit=x']) {
      const answer = await ask(query);
      assert.deepEqual([answer.statusCode, answer.json().reason], [400, 'BadRequest'], query);
      assert.match(answer.json().message, /^(limit|timeoutSeconds): Invalid value: "(x|1\.5)": must be a number$/);
    }
    for (const query of ['limit=-1', 'limit=0', 'timeoutSeconds=-1', 'watch=false', 'watch=0', 'watch=FALSE']) {
      assert.equal((await ask(query)).json().items?.length, 1, query);
    }
    assert.match((await ask('pretty=1')).body, /\n {2}/);
    assert.doesNotMatch((await ask('pretty=x')).body, /\n {2}/);
    // What is wrong for a watch, and no fault of a list with a version.
    for (const query of ['watch', 'watch=maybe', 'watch=TRUE', 'watch=1']) {
      assert.equal((await ask(`${query}&resourceVersion=1&resourceVersionMatch=Exact`)).json().code, 422, query);
    }
  });

  test('a name as long as Kubernetes allows is found', async () => {
    const { send } = await createFixture();
    const name = 'a'.repeat(253);
    await send('POST', POLICIES, { ...TCP_POLICY, metadata: { name } });
    assert.equal((await send('GET', `${POLICIES}/${name}`)).statusCode, 200);
  });

  test('people get indented JSON', async () => {
    const { send } = await createFixture();
    assert.match(
      (await send('GET', '/version', undefined, { 'user-agent': 'curl/8.5.0' })).body,
      /\n {2}"minor": "32"/,
    );
    assert.doesNotMatch((await send('GET', '/version')).body, /\n {2}/);
  });
});

test('health says what the process knows of itself', async () => {
  let ready = false;
  const { send } = await createFixture({ ready: () => ready });
  assert.equal((await send('GET', '/healthz')).body, 'ok');
  assert.equal((await send('GET', '/livez')).statusCode, 200);
  assert.equal((await send('GET', '/readyz')).statusCode, 503);
  ready = true;
  assert.equal((await send('GET', '/readyz')).statusCode, 200);
});

for (const [kind, code, reason] of [
  ['full', 507, 'InsufficientStorage'],
  ['corrupt', 503, 'ServiceUnavailable'],
] as const) {
  test(`a storage that is ${kind} is ${code} with its cause, and is logged`, async () => {
    const memory = createMemoryEventLog();
    let broken = false;
    const fault = <Value>(value: () => Value): Value => {
      if (broken) throw new StorageFault(kind, 'database or disk is in trouble');
      return value();
    };
    const log = wrapEventLog(memory, {
      append: async (append) => fault(() => memory.append(append)),
      each: (filter) => fault(() => memory.each(filter)),
    });
    const { send } = await createFixture({ log });
    broken = true;
    for (const answer of [await send('POST', POLICIES, TCP_POLICY), await send('GET', POLICIES)]) {
      assert.equal(answer.statusCode, code);
      assert.equal(answer.json().reason, reason);
      assert.deepEqual(answer.json().details.causes, [
        { reason: 'StorageFault', message: 'database or disk is in trouble' },
      ]);
    }
    broken = false;
    assert.equal((await send('POST', POLICIES, TCP_POLICY)).statusCode, 201, 'it goes on without a restart');
  });
}

test('a write is acknowledged when only its status cannot be read; a read is not answered without it', async () => {
  const { send, errors } = await createFixture({
    statusOf: ({ ref }) => {
      if (ref.kind !== 'AgentgatewayPolicy') return undefined;
      throw new StorageFault('corrupt', 'database disk image is malformed');
    },
  });
  const answer = await send('POST', POLICIES, TCP_POLICY);
  assert.equal(answer.statusCode, 201);
  assert.deepEqual([answer.json().metadata.resourceVersion, answer.json().status], ['3', undefined]);
  assert.deepEqual(answer.headers.warning, ['299 - "the status of the object cannot be read now"']);
  assert.equal(errors.length, 1);
  assert.equal((await send('GET', POLICY)).statusCode, 503);
  assert.equal((await send('DELETE', POLICY)).statusCode, 200);
});

test('a fault of the program is 500, says nothing of its inside, and is logged', async () => {
  const { send, errors } = await createFixture({
    statusOf: () => {
      throw new Error('secret detail');
    },
  });
  const answer = await send('GET', '/api/v1/namespaces/default');
  assert.equal(answer.statusCode, 500);
  assert.doesNotMatch(answer.body, /secret/);
  assert.ok(errors.length > 0);
});
