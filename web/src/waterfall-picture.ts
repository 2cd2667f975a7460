import { duration } from './durations.ts';
import { originOf, scaleOf } from './waterfall-scale.ts';
import type { Scale } from './waterfall-scale.ts';
import { stepsOf } from './waterfall-model.ts';
import type { TurnPicture } from './waterfall-model.ts';
import { stepWords, tookWords } from './waterfall-words.ts';

/** Pins that stand closer together, in percent of the width, are put above each other. */
const pinWidth = 7;
const maxLevels = 4;

/**
 * The picture of one turn: both voices, a bar for each step between them, and a numbered pin for each decision.
 *
 * @param nowMs of the session, for what lasts yet
 */
export function drawWaterfall(picture: TurnPicture, nowMs: number): HTMLElement[] {
  const scale = scaleOf(picture, nowMs);
  const { before } = scale.zones;
  const steps = stepsOf(picture).map((step) => {
    const row = box('step', box('step-name', stepWords[step.name].name), box('step-time', tookWords(step)));
    row.append(track(bar(scale, step.fromMs, step.toMs, step.name)));
    return row;
  });
  const speakers = box('speakers', box('', before.width > 0 ? 'you' : ''), box('', picture.agent ? 'agent' : ''));
  const rows = box('steps', ...grid(scale), speakers, voices(picture, scale, nowMs), ...steps, axis(scale));
  return picture.decisions.length > 0 ? [rows, pins(picture, scale)] : [rows];
}

function voices(picture: TurnPicture, scale: Scale, nowMs: number): HTMLElement {
  const originMs = originOf(picture);
  const { user, agent, timings } = picture;
  const lane = track();
  lane.classList.add('voices');
  if (user && !user.typed) lane.append(bar(scale, user.startMs - originMs, user.endMs - originMs, 'user'));
  if (user?.typed) lane.append(bar(scale, 0, 0, 'user'));
  if (agent) {
    const startMs = (timings.heardMs ?? timings.firstPacketMs ?? agent.startMs) - originMs;
    lane.append(bar(scale, startMs, Math.max(startMs, (agent.endMs ?? nowMs) - originMs), 'agent'));
  }
  return lane;
}

/** What lies outside the delay has another scale, and its ground says so. */
function grid({ zones, ticks, x }: Scale): HTMLElement[] {
  const shades = [zones.before, zones.after]
    .filter(({ width }) => width > 0)
    .map(({ left, width }) => placed(box('zone'), left, width));
  return [...shades, ...ticks.map((ms) => placed(box('gridline'), x(ms), 0))];
}

function axis({ zones, ticks, x }: Scale): HTMLElement {
  const labels = ticks.map((ms) => placed(box('tick', ms === 0 ? '0' : duration(ms)), x(ms), 0));
  const ends = zones.after.width > 0 ? [placed(box('tick end', `+${duration(zones.after.toMs)}`), 100, 0)] : [];
  const room = ends.length > 0 ? labels.filter((_, index) => x(ticks[index]!) < 84) : labels;
  return box('axis', ...room, ...ends);
}

/** A pin a decision, with the number under which it stands in the list. */
function pins(picture: TurnPicture, scale: Scale): HTMLElement {
  const originMs = originOf(picture);
  const taken: number[] = [];
  const made = picture.decisions.map(({ atMs, decision }, index) => {
    const left = scale.x(atMs - originMs);
    let level = taken.findIndex((until) => left >= until);
    if (level === -1) level = taken.length < maxLevels ? taken.length : index % maxLevels;
    taken[level] = left + pinWidth;
    const pin = placed(box('pin', String(index + 1)), left, 0);
    pin.dataset['decision'] = decision;
    pin.style.setProperty('--level', String(level));
    return pin;
  });
  const lane = box('pins', ...made);
  lane.style.setProperty('--levels', String(taken.length));
  return lane;
}

function bar(scale: Scale, fromMs: number, toMs: number, kind: string): HTMLElement {
  const left = scale.x(fromMs);
  const element = placed(box('bar'), left, scale.x(toMs) - left);
  element.dataset['kind'] = kind;
  return element;
}

function track(...children: HTMLElement[]): HTMLElement {
  return box('track', ...children);
}

function placed(element: HTMLElement, left: number, width: number): HTMLElement {
  element.style.setProperty('--left', `${left.toFixed(2)}%`);
  element.style.setProperty('--width', `${width.toFixed(2)}%`);
  return element;
}

function box(classes: string, ...content: (HTMLElement | string)[]): HTMLElement {
  const element = document.createElement('div');
  element.className = classes;
  element.append(...content);
  return element;
}
