/** The Dockerfile as data: what each stage orders, comments and continued lines put aside. */
export type Instruction = { name: string; text: string };
export type Stage = { from: string; as: string | undefined; instructions: Instruction[] };

export const parseDockerfile = (text: string): Stage[] => {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line) && line.trim() !== '')
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n');
  const stages: Stage[] = [];
  for (const line of lines) {
    const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (name === undefined || rest === undefined) throw new Error(`no instruction: ${line}`);
    const from = /^(\S+)(?: AS (\w+))?$/.exec(rest);
    if (name === 'FROM') stages.push({ from: from?.[1] ?? '', as: from?.[2], instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text: rest });
  }
  return stages;
};

/** @throws where the instruction is there more than once or not at all. */
export const theInstruction = ({ instructions }: Stage, name: string): string => {
  const found = instructions.filter((instruction) => instruction.name === name);
  if (found.length !== 1) throw new Error(`${found.length} times ${name}`);
  return found[0]?.text ?? '';
};

/** What the build stage copies from the project: paths, each with its place in the stage. */
export const copiedFromProject = ({ instructions }: Stage): string[] =>
  instructions
    .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from='))
    .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
