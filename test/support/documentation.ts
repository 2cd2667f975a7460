/** Rules for the Markdown files: links lead somewhere, decisions are numbered without gaps. Pure: files are handed in. */

/** Every Markdown file's text, and whether a path (from the root) is there. */
export type Documents = { pages: ReadonlyMap<string, string>; exists: (path: string) => boolean };

const DECISIONS = 'docs/decisions/';

/** @returns one line for each link in a page whose file or heading is missing */
export function deadLinks({ pages, exists }: Documents): string[] {
  return [...pages].flatMap(([page, text]) =>
    linksOf(text).flatMap((target) => {
      const [file = '', heading] = target.split('#');
      const path = file === '' ? page : resolved(page, file);
      if (!exists(path)) return [`${page}: ${target}: there is no ${path}`];
      const linked = pages.get(path);
      if (heading === undefined || linked === undefined || anchorsOf(linked).includes(heading)) return [];
      return [`${page}: ${target}: ${path} has no such heading`];
    }),
  );
}

/** @returns what is wrong with the numbers of the decisions, and which of them the index does not link to */
export function decisionFaults({ pages }: Documents): string[] {
  const index = pages.get(`${DECISIONS}README.md`) ?? '';
  const names = [...pages.keys()]
    .filter((path) => /^docs\/decisions\/\d/.test(path))
    .map((path) => path.slice(DECISIONS.length));
  return names.toSorted().flatMap((name, at) => {
    const number = at + 1;
    const faults: string[] = [];
    if (Number(name.slice(0, 4)) !== number) faults.push(`${name}: the next number is ${number}`);
    if (!pages.get(DECISIONS + name)!.startsWith(`# ${Number(name.slice(0, 4))}. `))
      faults.push(`${name}: its heading begins with its number`);
    if (!index.includes(`](${name})`)) faults.push(`${name}: ${DECISIONS}README.md lists it`);
    return faults;
  });
}

function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  return Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target).filter(
    (target) => !/^[a-z]+:/.test(target),
  );
}

/** As GitHub makes them from headings. */
function anchorsOf(text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function resolved(page: string, target: string): string {
  return new URL(target, `file:///${page}`).pathname.slice(1).replace(/\/$/, '');
}
