// Where a pod that took its port from a slot says which one it is, for the health check of the same container.
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function portFile() {
  return join(tmpdir(), 'parley-port');
}
