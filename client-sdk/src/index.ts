/** The SDK of Parley: `new ParleyClient({ token })`, see README.md. */
export type { AudioNodes, Side } from './audio-graph.ts';
export { ParleyClient } from './client.ts';
export type { ParleyClientOptions } from './client.ts';
export type { ParleyEvents } from './client-events.ts';
export { ParleyError } from './errors.ts';
export type { ParleyErrorCode } from './errors.ts';
export { sdkVersion } from './version.ts';
export type * from './types.ts';
