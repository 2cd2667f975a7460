/** What the deployment's files say, as the tests of this folder look at it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { settings } from '../../server/config-settings.ts';

export const root = join(import.meta.dirname, '../..');
export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Any Kubernetes object; tests read the fields that they are about. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Manifest = any;

/** @throws with the place of the first mistake in the YAML, two equal keys among them. */
export const parseManifests = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS();
  });

export const manifestsOf = (path: string): Manifest[] => parseManifests(readText(path));

/** The one object of a kind. */
export const one = (manifests: Manifest[], kind: string): Manifest => {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  if (found.length !== 1) throw new Error(`${found.length} objects are a ${kind}, and one should be`);
  return found[0];
};

export const compose = (): Manifest => parse(readText('docker-compose.yml'));

/** The labels that a selector asks for are all among those of a pod. */
export const matches = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.keys(selector).length > 0 && Object.entries(selector).every(([key, value]) => labels[key] === value);

/** What the programs in `scripts/pod` read. */
const podSettings = ['POD_SLOTS', 'PUBLIC_ADDRESS_STUN'];
export const isSetting = (name: string): boolean => name in settings || podSettings.includes(name);
