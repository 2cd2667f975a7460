/** Agents that are TypeScript: `export const agent = { … }`, or the same as `export default`. */
import { pathToFileURL } from 'node:url';
import { isObject } from './agent-definition.ts';

/**
 * Imports a file as it is now, however often it was imported before. What it imports itself is loaded once for the life of
 * the process.
 * @param version another one for each content of the file
 * @throws {Error} saying why it cannot be used, with the place in the file where that is known
 */
export const importAgent = async (file: string, version: string): Promise<unknown> => {
  const url = `${pathToFileURL(file).href}?version=${version}`;
  let exported: Record<string, unknown>;
  try {
    exported = (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw new Error(`cannot be imported (${reasonOf(error, [url, file])})`, { cause: error });
  }
  const others = Object.keys(exported).filter((name) => name !== 'agent' && name !== 'default');
  if (others.length > 0) throw new Error(`exports ${others.join(', ')}; it may export agent alone`);
  const definition = exported['agent'] ?? exported['default'];
  if (definition === undefined) throw new Error('must export the agent: export const agent = { … }');
  return withCodeTools(definition, url);
};

/** Tools that have a function become what the thread that runs them finds them by: the file, and their names in it. */
const withCodeTools = (definition: unknown, module: string): unknown => {
  if (!isObject(definition) || !('tools' in definition) || !Array.isArray(definition.tools)) return definition;
  const tools = definition.tools.map((tool: unknown) => {
    if (!isObject(tool) || !('run' in tool)) return tool;
    if (typeof tool.run !== 'function') throw new Error('has a tool whose run is no function');
    const { run: _run, ...declared } = tool;
    return { ...declared, type: 'code', module };
  });
  return { ...definition, tools };
};

/** The error's first line, and the line of the file where it arose; mistakes of syntax name the file by its path. */
const reasonOf = (error: unknown, names: readonly string[]): string => {
  if (!(error instanceof Error)) return 'it threw what is no error';
  const { stack = '' } = error;
  const [at] = names.flatMap((name) => /^:(\d+)/.exec(stack.split(name)[1] ?? '')?.[1] ?? []);
  return `${error.name}: ${error.message.split('\n')[0]}${at === undefined ? '' : `, line ${at}`}`;
};
