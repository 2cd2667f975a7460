/** The real voice worker, which hangs before it is ready where the environment says so. */
if (process.env['PARLEY_TEST_HANG_AT_START'] === '1') {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
await import('../../media/workers/voice-worker-thread.ts');
