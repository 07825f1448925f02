// Loaded into a process before its program: says what it holds after a garbage collection, when it is asked over IPC.
process.on('message', () => {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  const handles = {};
  for (const name of process.getActiveResourcesInfo()) handles[name] = (handles[name] ?? 0) + 1;
  process.send({ heapBytes: heapUsed + external, handles });
});
