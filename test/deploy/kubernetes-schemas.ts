/** Kubernetes' own schemas, twice: as validators for values, and as TypeScript's types for names of fields. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../scripts/setup/run-command.mjs';
import { root } from './manifests.ts';
import type { Manifest } from './manifests.ts';

type Model = new (data: Manifest) => { validate(): void };

/** `apps/v1` → `kubernetes-models/apps/v1`, `v1` → `kubernetes-models/v1`. */
const moduleOf = ({ apiVersion }: Manifest): string => `kubernetes-models/${apiVersion}`;

/** @throws naming field and reason, where a required field is missing or a value is of the wrong kind. */
export const validate = async (manifest: Manifest): Promise<void> => {
  const models = (await import(moduleOf(manifest))) as Record<string, Model>;
  const Kind = models[manifest.kind];
  if (Kind === undefined) throw new Error(`${manifest.apiVersion} has no ${manifest.kind}`);
  new Kind(manifest).validate();
};

/**
 * The validators let unknown fields pass, and Kubernetes drops them: a misspelt probe is no probe. The compiler does not
 * let them pass in an object that is written out.
 * @throws {CommandFailedError} whose `tail` names the fields.
 */
export const refuseUnknownFields = async (manifests: Manifest[]): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-manifests-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const lines = manifests.flatMap((manifest, index) => [
      `import type { I${manifest.kind} as Kind${index} } from '${moduleOf(manifest)}';`,
      `export const object${index}: Kind${index} = ${JSON.stringify(manifest)};`,
    ]);
    writeFileSync(join(folder, 'manifests.ts'), `${lines.join('\n')}\n`);
    const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2024', '--module', 'nodenext'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    await runCommand(process.execPath, [tsc, ...flags, '--types', '', 'manifests.ts'], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
