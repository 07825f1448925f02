import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERROR, FLAG, FRAME, PREFACE } from '../http2/protocol.ts';
import { frame, framesOf, GET, literal, POST, word } from '../testing/http2-client.ts';
import { createWorld, rawClient, until } from '../testing/world.ts';

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, GOAWAY, WINDOW_UPDATE } = FRAME;
const { END_STREAM, END_HEADERS } = FLAG;
const BOTH = END_STREAM | END_HEADERS;
const BURST = 20;

const get = (id: number) => frame(HEADERS, BOTH, id, GET);
/** It goes to the backend with the beginning of its body. */
const post = (id: number, ...fields: Buffer[]) =>
  Buffer.concat([
    frame(HEADERS, END_HEADERS, id, Buffer.concat([POST, ...fields])),
    frame(DATA, 0, id, Buffer.from('a')),
  ]);
const THREE = literal('content-length', '3');

/** A request, and what makes the server reset it (CVE-2025-8671), or the client (CVE-2023-44487). */
const TRICKS: Readonly<Record<string, (id: number) => readonly [request: Buffer, end: Buffer]>> = {
  RST_STREAM: (id) => [get(id), frame(RST_STREAM, 0, id, word(ERROR.CANCEL))],
  'a WINDOW_UPDATE of nothing': (id) => [get(id), frame(WINDOW_UPDATE, 0, id, word(0))],
  'a WINDOW_UPDATE beyond the largest': (id) => [get(id), frame(WINDOW_UPDATE, 0, id, word(2 ** 31 - 1))],
  'a PRIORITY of a wrong length': (id) => [get(id), frame(PRIORITY, 0, id, Buffer.alloc(4))],
  'a PRIORITY that depends on itself': (id) => [
    get(id),
    frame(PRIORITY, 0, id, Buffer.concat([word(id), GET.subarray(0, 1)])),
  ],
  'DATA after the end': (id) => [get(id), frame(DATA, 0, id, Buffer.from('a'))],
  'HEADERS after the end': (id) => [get(id), get(id)],
  'trailers that do not end the request': (id) => [post(id), frame(HEADERS, END_HEADERS, id, literal('a', 'b'))],
  'trailers with a pseudo header': (id) => [post(id), frame(HEADERS, BOTH, id, GET.subarray(0, 1))],
  'more DATA than was announced': (id) => [post(id, THREE), frame(DATA, 0, id, Buffer.from('bcd'))],
  'less DATA than was announced': (id) => [post(id, THREE), frame(DATA, END_STREAM, id)],
};

for (const [name, trick] of Object.entries(TRICKS)) {
  test(`work that is reset in vain is called off at the backend, and its client closed: ${name}`, async (t) => {
    let begun = 0;
    const underWay = new Set<ServerResponse>();
    const world = await createWorld({
      limits: { http2Resets: { burst: BURST, perSecond: 0 } },
      onRequest(_request, response) {
        begun += 1;
        underWay.add(response);
        response.on('close', () => underWay.delete(response));
      },
    });
    t.after(() => world.stop());
    const client = await rawClient(world.httpPort);
    client.socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]));
    const frames = (type: number) =>
      framesOf(Buffer.from(client.received(), 'latin1')).filter((one) => one.type === type);
    for (let n = 0; n < BURST; n += 1) {
      const [request, end] = trick(2 * n + 1);
      client.socket.write(request);
      // So that there is work to be called off.
      await until(() => begun > n);
      client.socket.write(end);
    }
    await until(() => underWay.size === 0 && frames(RST_STREAM).length === (name === 'RST_STREAM' ? 0 : BURST));
    assert.equal(client.closed(), false);
    client.socket.write(Buffer.concat(trick(2 * BURST + 1)));
    await until(() => frames(GOAWAY).length === 1);
    const goaway = frames(GOAWAY)[0]?.payload;
    assert.deepEqual(
      [goaway?.readUInt32BE(4), goaway?.subarray(8).toString()],
      [ERROR.ENHANCE_YOUR_CALM, 'too_many_resets'],
    );
    await until(() => client.closed());
    await until(async () => (await world.closes('flood')) === 1);
    await sleep(50);
    assert.equal(underWay.size, 0);
    client.socket.destroy();
  });
}
