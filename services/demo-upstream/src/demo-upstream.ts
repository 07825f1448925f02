import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

const BODY_LIMIT_BYTES = 1024 * 1024;
const LONGEST_DELAY_SECONDS = 60;

/**
 * An HTTP/1.1 server in the manner of httpbin:
 * `/status/CODE` answers with that code, `/delay/SECONDS` waits, anything else is answered with what was asked.
 */
export function createDemoUpstream(): Server {
  return createServer((request, response) => {
    request.on('error', () => response.destroy());
    answer(request, response).catch(() => response.destroy());
  });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
  const [, verb, argument] = pathname.split('/');
  const body = await readBody(request);
  if (body === undefined) return reply(response, 413, { error: `body: longer than ${BODY_LIMIT_BYTES} bytes` });
  const number = Number(argument);
  if (verb === 'status') {
    const known = Number.isInteger(number) && number >= 200 && number <= 599;
    return known ? reply(response, number, { status: number }) : reply(response, 400, { error: 'status: 200 to 599' });
  }
  if (verb === 'delay') {
    if (!(number >= 0 && number <= LONGEST_DELAY_SECONDS)) return reply(response, 400, { error: 'delay: 0 to 60 s' });
    await new Promise((resolve) => setTimeout(resolve, number * 1000));
  }
  reply(response, 200, {
    method: request.method,
    url: request.url,
    args: Object.fromEntries(searchParams),
    headers: request.headers,
    ...(body.length > 0 && { data: body.toString('utf8') }),
  });
}

/** Undefined when the body is longer than the limit. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_LIMIT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function reply(response: ServerResponse, status: number, body: object): void {
  const bodiless = status === 204 || status === 304;
  response.writeHead(status, bodiless ? {} : { 'content-type': 'application/json' });
  response.end(bodiless ? undefined : `${JSON.stringify(body, null, 2)}\n`);
}
