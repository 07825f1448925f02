import { fastify } from 'fastify';

const app = fastify();
app.get('/readyz', () => 'ok');
app.post('/', (request, reply) => reply.code(201).send(request.body));
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
process.on('SIGTERM', () => process.exit(0));
