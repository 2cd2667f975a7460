/** YAML within bounds: there are texts of a few hundred bytes that keep a parser busy for minutes. */
import { isNode, isScalar, Lexer, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, YAMLMap } from 'yaml';

/**
 * Words, marks and line ends of one file. 700 lines of `field: value` have 5,000, and those of an agent with thirty tools are
 * fewer. More: what is made to be slow is slower by the square of it, and the thread that reads it has other things to do.
 */
const MAX_TOKENS = 6_000;
/** Levels of braces and brackets. An agent has less than ten. */
const MAX_LEVELS = 64;
/** Of values that stand for others. Each may stand for as much again. */
const MAX_ALIASES = 100;

/** @throws {Error} that begins with "is not YAML", and says where in the text */
export const parseYaml = (text: string): unknown => {
  try {
    checkLength(text);
    const lineCounter = new LineCounter();
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, lineCounter });
    const [error] = document.errors;
    if (error) throw new Error(`${error.message} ${placeOf(error.pos[0], lineCounter)}`);
    checkKeys(document, lineCounter);
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown';
    throw new Error(`is not YAML (${reason})`, { cause: error });
  }
};

const checkLength = (text: string): void => {
  let tokens = 0;
  let levels = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === '{' || token === '[') levels += 1;
    if (token === '}' || token === ']') levels -= 1;
    if (levels > MAX_LEVELS) throw new Error(`has more than ${MAX_LEVELS} levels`);
    if (tokens > MAX_TOKENS) throw new Error(`has more than ${MAX_TOKENS} words and marks`);
  }
};

/** Keys are texts, each once in its map: the parser's own check compares all with all, and writes maps as keys out as text. */
const checkKeys = (document: Document, lineCounter: LineCounter): void => {
  visit(document, {
    Map: (_, map) => checkKeysOf(map, lineCounter),
  });
};

const checkKeysOf = ({ items }: YAMLMap, lineCounter: LineCounter): void => {
  const seen = new Set<string>();
  for (const { key } of items) {
    // Nothing before the colon.
    if (key === null) continue;
    const at = placeOf(isNode(key) ? key.range?.[0] : undefined, lineCounter);
    if (!isScalar(key)) throw new Error(`A key must be a text ${at}`);
    const name = String(key.value);
    if (seen.has(name)) throw new Error(`Map keys must be unique ${at}`);
    seen.add(name);
  }
};

const placeOf = (offset: number | undefined, lineCounter: LineCounter): string => {
  if (offset === undefined) return 'somewhere';
  const { line, col } = lineCounter.linePos(offset);
  return `at line ${line}, column ${col}`;
};
