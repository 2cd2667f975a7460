import { duration } from './durations.ts';
import { stepsOf, totalOf } from './waterfall-model.ts';
import type { Step, StepName, TurnPicture } from './waterfall-model.ts';

/** What each bar is of. */
export const stepWords: Readonly<Record<StepName, { name: string; what: string }>> = {
  transcriptMs: { name: 'Transcript', what: 'the recogniser delivered the last of your words' },
  endpointMs: { name: 'Turn over', what: 'it was sure that you had finished' },
  firstTokenMs: { name: 'First token', what: 'the language model began to write' },
  firstAudioMs: { name: 'First audio', what: 'the voice had the first sound' },
  firstPacketMs: { name: 'First packet', what: 'it left the server' },
  heardMs: {
    name: 'Heard',
    what: 'it came out of your loudspeaker: half a round trip and this browser’s own delay later',
  },
};

/** How long a step took. Words may be known before the speech has ended. */
export function tookWords({ fromMs, toMs }: Step): string {
  return toMs === 0 ? 'already' : duration(toMs - fromMs);
}

/** `First token: 171 ms, 0.7 s after your last sound` */
export function stepSentence({ name, fromMs, toMs }: Step): string {
  return `${stepWords[name].name}: ${tookWords({ name, fromMs, toMs })}, done ${duration(toMs)} after your last sound`;
}

export type Headline = { figure: string; words: string };

/** The delay that people feel, and what it counts. */
export function headlineOf(picture: TurnPicture): Headline {
  const total = totalOf(picture);
  const from = picture.user?.typed ? 'your text' : 'your last sound';
  if (total)
    return { figure: duration(total.ms), words: `from ${from} to ${total.heard ? 'its first' : 'its first packet'}` };
  if (!picture.user) return { figure: '', words: 'It spoke without being asked.' };
  return { figure: '', words: picture.agent ? 'Answered.' : 'No answer yet.' };
}

/** All of the picture in words, for those who do not see it. */
export function pictureInWords(picture: TurnPicture): string {
  const { figure, words } = headlineOf(picture);
  const steps = stepsOf(picture).map((step) => stepSentence(step));
  const { length } = picture.decisions;
  const decided = length > 0 ? [`${length} ${length === 1 ? 'decision' : 'decisions'}, listed below`] : [];
  return [`${figure} ${words}`.trim(), ...steps, ...cutOffWords(picture), ...decided].join('. ');
}

function cutOffWords({ cutOff }: TurnPicture): string[] {
  if (!cutOff) return [];
  return [cutOff.estimated ? 'You cut in; where its words end is an estimate' : 'You cut in'];
}
