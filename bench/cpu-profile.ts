/** What a profile of V8 says, in short: where the time went, and who allocated. */

type Frame = { functionName: string; url: string; lineNumber: number };
export type CpuProfile = {
  nodes: { id: number; callFrame: Frame }[];
  samples: number[];
  timeDeltas: number[];
};
export type AllocationProfile = { head: AllocationNode };
type AllocationNode = { callFrame: Frame; selfSize: number; children: AllocationNode[] };

export type Share = { name: string; share: number };

/** Share of the time that each function took by itself, idling included, the largest first. */
export function timeShares({ nodes, samples, timeDeltas }: CpuProfile): Share[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id)!;
    times.set(name, (times.get(name) ?? 0) + timeDeltas[index]!);
  });
  return shares(times);
}

/** Share of what was allocated by each function itself, collected or not. */
export function allocationShares({ head }: AllocationProfile): Share[] {
  const sizes = new Map<string, number>();
  const visit = (node: AllocationNode): void => {
    const name = nameOf(node.callFrame);
    sizes.set(name, (sizes.get(name) ?? 0) + node.selfSize);
    node.children.forEach(visit);
  };
  visit(head);
  return shares(sizes);
}

/** Bytes allocated in all while the profile was taken. */
export function allocatedBytes({ head }: AllocationProfile): number {
  return head.selfSize + head.children.reduce((sum, child) => sum + allocatedBytes({ head: child }), 0);
}

function shares(weights: ReadonlyMap<string, number>): Share[] {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  return [...weights].map(([name, weight]) => ({ name, share: weight / total })).toSorted((a, b) => b.share - a.share);
}

function nameOf({ functionName, url, lineNumber }: Frame): string {
  const file = url.split('/').slice(-2).join('/');
  return `${functionName || '(anonymous)'}${file ? ` ${file}:${lineNumber + 1}` : ''}`;
}
