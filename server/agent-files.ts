/** The agents of a folder, one file each: YAML, or TypeScript. Read again whenever something in the folder changes. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { watch } from 'chokidar';
import type { FSWatcher } from 'chokidar';
import type { Log } from '../signalling/log.ts';
import { checkDefinition } from './agent-definition.ts';
import type { Checked, LoadedAgent, Secrets } from './agent-definition.ts';
import { AgentFilesInvalid } from './agent-errors.ts';
import { importAgent } from './agent-module.ts';
import { parseYaml } from './agent-yaml.ts';

export type AgentFilesOptions = {
  folder: string;
  /** What files may name. */
  secrets: Secrets;
  log: Log;
  nowMs: () => number;
};

/** How a file is: its agent as it is used, and what is wrong with the file as it stands now. */
export type AgentFileState = {
  file: string;
  agent?: LoadedAgent;
  problems: readonly string[];
  /** Since when the file cannot be used, Unix ms. */
  brokenSinceMs?: number;
};

type Entry = AgentFileState & { digest: string };

/** Writing a file, or several, is many events; half of what was written would be read sooner. */
const SETTLE_MS = 100;
/** Far more than any agent has. What is no file, such as a pipe or a device, may have no end at all. */
const MAX_FILE_BYTES = 1_048_576;

export class AgentFiles {
  readonly #options: AgentFilesOptions;
  #entries = new Map<string, Entry>();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();

  private constructor(options: AgentFilesOptions) {
    this.#options = options;
  }

  /**
   * Reads the folder.
   * @throws {AgentFilesInvalid} naming all that is wrong, in all files.
   */
  static async open(options: AgentFilesOptions): Promise<AgentFiles> {
    const files = new AgentFiles(options);
    const { entries, problems } = await files.#read();
    if (problems.length > 0) throw new AgentFilesInvalid(problems);
    files.#entries = entries;
    return files;
  }

  /** In the order of the files. */
  get agents(): LoadedAgent[] {
    return [...this.#entries.values()].flatMap(({ agent }) => agent ?? []);
  }

  get states(): AgentFileState[] {
    return [...this.#entries.values()];
  }

  find(name: string): LoadedAgent | undefined {
    return this.agents.find(({ definition }) => definition.name === name);
  }

  /** Follows changes from now on. Resolves once none can be missed. */
  async follow(): Promise<void> {
    const { folder, log } = this.#options;
    const watcher = watch(folder, { ignoreInitial: true, depth: 0 });
    this.#watcher = watcher;
    watcher.on('all', () => this.#changed());
    watcher.on('error', (error) => log.warn({ err: error }, 'changes of agents may go unnoticed'));
    await new Promise<void>((resolve) => watcher.once('ready', resolve));
  }

  /** Reads what has changed. A file that cannot be used leaves its agent as it was. Never rejects. */
  reload(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#reload());
    return this.#reading;
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#watcher?.close();
    await this.#reading;
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.reload(), SETTLE_MS).unref();
  }

  async #reload(): Promise<void> {
    const { log } = this.#options;
    const before = this.#entries;
    const { entries, problems } = await this.#read();
    if (entries.size === 0) {
      log.error({ problems }, 'the agents could not be read again; those that there were stay');
      return;
    }
    this.#entries = entries;
    for (const entry of entries.values()) this.#tell(before.get(entry.file), entry);
    for (const { file } of before.values()) if (!entries.has(file)) log.info({ file }, 'an agent is gone');
  }

  #tell(before: Entry | undefined, { file, agent, problems, digest }: Entry): void {
    const { log } = this.#options;
    if (before?.digest === digest && String(before.problems) === String(problems)) return;
    if (problems.length > 0) {
      const kept = agent ? 'stays as it was' : 'is left out';
      log.error({ file, problems }, `an agent's file cannot be used; the agent ${kept}`);
      return;
    }
    log.info({ file, agent: agent?.definition.name, version: agent?.version }, 'an agent has changed');
  }

  async #read(): Promise<{ entries: Map<string, Entry>; problems: string[] }> {
    const { folder } = this.#options;
    const entries = new Map<string, Entry>();
    let names: string[];
    try {
      names = (await readdir(folder)).filter((name) => /\.(ya?ml|ts)$/.test(name) && !name.endsWith('.d.ts')).sort();
    } catch (error) {
      return { entries, problems: [`AGENTS_DIR=${folder}: cannot be read (${messageOf(error)})`] };
    }
    for (const name of names) entries.set(name, await this.#readEntry(name, entries));
    const problems = [...entries.values()].flatMap(({ file, problems: own }) =>
      own.map((problem) => `${file}: ${problem}`),
    );
    if (entries.size === 0) problems.push(`${folder}: has no agent (*.yaml, *.ts)`);
    return { entries, problems };
  }

  async #readEntry(file: string, others: ReadonlyMap<string, Entry>): Promise<Entry> {
    const former = this.#entries.get(file);
    const { digest, checked } = await this.#check(file, former);
    const name = checked.agent?.definition.name;
    const taken = [...others.values()].some(({ agent }) => agent && agent.definition.name === name);
    const problems = taken ? [`name "${name}" is taken by another file`] : (checked.problems ?? []);
    if (checked.agent && problems.length === 0) return { file, digest, agent: checked.agent, problems };
    const kept = former?.agent;
    const lost = [...others.values()].some(({ agent }) => agent && agent.definition.name === kept?.definition.name);
    const brokenSinceMs = former?.brokenSinceMs ?? this.#options.nowMs();
    return { file, digest, problems, brokenSinceMs, ...(kept && !lost && { agent: kept }) };
  }

  /** What has not changed since it was last good is not read again: a module would be imported once more. */
  async #check(file: string, former: Entry | undefined): Promise<{ digest: string; checked: Checked }> {
    const whole = path.join(this.#options.folder, file);
    let text: string;
    try {
      const stats = await stat(whole);
      if (!stats.isFile()) return { digest: '', checked: { problems: ['is no file'] } };
      if (stats.size > MAX_FILE_BYTES) {
        return { digest: '', checked: { problems: [`is larger than ${MAX_FILE_BYTES} bytes`] } };
      }
      text = await readFile(whole, 'utf8');
    } catch (error) {
      return { digest: '', checked: { problems: [`cannot be read (${messageOf(error)})`] } };
    }
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
    if (former?.agent && former.digest === digest && former.problems.length === 0) {
      return { digest, checked: { agent: former.agent } };
    }
    try {
      const isCode = file.endsWith('.ts');
      const content: unknown = isCode ? await importAgent(whole, digest) : parseYaml(text);
      return { digest, checked: checkDefinition(content, this.#options.secrets, isCode) };
    } catch (error) {
      return { digest, checked: { problems: [messageOf(error)] } };
    }
  }
}

/** The first line: what follows may quote the file. */
const messageOf = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown';
