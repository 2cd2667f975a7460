/** The page's elements by their ids; a missing one is a mistake in index.html and stops the page at once. */
function find<Element extends HTMLElement>(id: string, kind: new () => Element): Element {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no #${id} of the right kind`);
  return element;
}

export const elements = {
  talk: find('talk', HTMLButtonElement),
  talkLabel: find('talk-label', HTMLSpanElement),
  state: find('state', HTMLParagraphElement),
  hint: find('hint', HTMLParagraphElement),
  problem: find('problem', HTMLDivElement),
  problemText: find('problem-text', HTMLParagraphElement),
  problemAction: find('problem-action', HTMLButtonElement),
  userMeter: find('user-meter', HTMLSpanElement),
  agentMeter: find('agent-meter', HTMLSpanElement),
  mute: find('mute', HTMLButtonElement),
  interrupt: find('interrupt', HTMLButtonElement),
  microphone: find('microphone', HTMLSelectElement),
  timeline: find('timeline', HTMLCanvasElement),
  turns: find('turns', HTMLElement),
  turnBefore: find('turn-before', HTMLButtonElement),
  turnName: find('turn-name', HTMLSpanElement),
  turnAfter: find('turn-after', HTMLButtonElement),
  turnFigure: find('turn-figure', HTMLElement),
  turnWords: find('turn-words', HTMLSpanElement),
  waterfall: find('waterfall', HTMLDivElement),
  turnDecisions: find('turn-decisions', HTMLOListElement),
  turnDetails: find('turn-details', HTMLDetailsElement),
  turnTable: find('turn-table', HTMLTableSectionElement),
  elapsed: find('elapsed', HTMLParagraphElement),
  transcript: find('transcript', HTMLOListElement),
  sayForm: find('say-form', HTMLFormElement),
  say: find('say', HTMLInputElement),
  saySend: find('say-send', HTMLButtonElement),
  agentName: find('agent-name', HTMLElement),
  agentDescription: find('agent-description', HTMLSpanElement),
  agentEmbedded: find('agent-embedded', HTMLDivElement),
  agentModel: find('agent-model', HTMLParagraphElement),
  details: find('details', HTMLDetailsElement),
  figures: find('figures', HTMLDListElement),
} as const;
