import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { frame } from '../testing/http2-client.ts';
import { FrameReader } from './frame-reader.ts';
import { FRAME } from './protocol.ts';

const READERS = 20;
const FRAME_BYTES = 16_000;

test('a frame that comes byte by byte takes little more memory than its bytes', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const bytes = frame(FRAME.DATA, 0, 1, Buffer.alloc(FRAME_BYTES, 'a'));
  const whole: string[] = [];
  const onFrame = (_type: number, _flags: number, _id: number, payload: Buffer) => void whole.push(payload.toString());
  const readers = Array.from({ length: READERS }, () => new FrameReader(16_384, onFrame, () => false));
  const before = used();
  for (const reader of readers) {
    for (let at = 0; at < bytes.length - 1; at += 1) reader.read(Buffer.from(bytes.subarray(at, at + 1)));
  }
  const held = used() - before;
  assert.ok(held < 3 * READERS * FRAME_BYTES, `${held} bytes are held`);
  for (const reader of readers) reader.read(bytes.subarray(-1));
  assert.deepEqual(new Set(whole), new Set(['a'.repeat(FRAME_BYTES)]));
  assert.equal(whole.length, READERS);
});
