/** The page: one button, and everything that a call has to show. */
import type { ParleyError } from '../../client-sdk/src/index.ts';
import { showAgent } from './agent-view.ts';
import { CallController } from './call-controller.ts';
import { ConversationModel } from './conversation-model.ts';
import { ConversationView } from './conversation-view.ts';
import { DetailsView } from './details-view.ts';
import { elements } from './elements.ts';
import { ExampleCall } from './example-call.ts';
import { listenToKeys } from './keyboard.ts';
import { LineWatch } from './line-watch.ts';
import { LiveView } from './live-view.ts';
import { MicrophoneView } from './microphone-view.ts';
import { ProblemView } from './problem-view.ts';
import type { Remedy } from './problem-view.ts';
import { ParleyClient } from './sdk.ts';
import { SessionClock } from './session-clock.ts';
import { wordsFor } from './status-words.ts';
import { forgetSession, readSession } from './stored-session.ts';
import { TimelineModel } from './timeline-model.ts';
import { WaterfallModel } from './waterfall-model.ts';
import { WaterfallView } from './waterfall-view.ts';

declare global {
  interface Window {
    /** The client of the call that goes on, or of the last one: for tests, and for whoever is curious. */
    parley?: ParleyClient;
  }
}

/** Longer than most people take between the clicks of a double click, shorter than between two decisions. */
const doubleClickMs = 400;
let talkedAtMs = -Infinity;

const clock = new SessionClock();
const timeline = new TimelineModel();
const waterfall = new WaterfallModel();
const conversation = new ConversationModel();
const conversationView = new ConversationView(conversation);
const live = new LiveView(timeline, clock);
const example = new ExampleCall({ timeline, waterfall, onTick: showExample });
const waterfallView = new WaterfallView(waterfall, () =>
  example.running ? example.nowMs : clock.at(performance.now()),
);
const problem = new ProblemView();
const controller = new CallController({
  conversation,
  timeline,
  waterfall,
  clock,
  onChange: render,
  onCall,
  onError: showProblem,
  onMicrophones: (client) => void microphones.refresh(client),
});
const microphones = new MicrophoneView(() => controller.client);

function render(): void {
  const { situation } = controller;
  const { agent, call, microphone, output, poorLine, userSpeaking } = situation;
  const words = wordsFor(situation);
  const inCall = call !== 'idle' && call !== 'ended';
  Object.assign(document.body.dataset, {
    state: call,
    agent,
    output,
    microphone,
    user: userSpeaking ? 'speaking' : 'silent',
    line: poorLine ? 'poor' : 'good',
  });
  if (elements.state.textContent !== words.status) elements.state.textContent = words.status;
  if (elements.hint.textContent !== words.hint) elements.hint.textContent = words.hint;
  elements.talkLabel.textContent = inCall ? 'Hang up' : 'Talk';
  elements.mute.disabled = !inCall || microphone === 'requesting';
  elements.mute.textContent = { none: 'Use mic', muted: 'Unmute', active: 'Mute', requesting: 'Mute' }[
    inCall ? microphone : 'active'
  ];
  elements.mute.setAttribute('aria-pressed', String(microphone === 'muted'));
  elements.interrupt.disabled = !inCall;
  // In a call it is not disabled but only said to be: it would lose the focus of whoever has just pressed it.
  elements.interrupt.setAttribute('aria-disabled', String(!canInterrupt()));
  if (!inCall) elements.microphone.disabled = true;
  elements.say.disabled = elements.saySend.disabled = !canAsk();
  conversationView.render();
  waterfallView.render();
}

function showExample(nowMs: number): void {
  live.preview(nowMs);
  waterfallView.render();
}

function onCall(client: ParleyClient | undefined): void {
  if (!client) {
    live.stop();
    return;
  }
  window.parley = client;
  problem.clear();
  client.on('playbackChanged', ({ state }) => {
    if (state === 'running') problem.clear('autoplay_blocked');
  });
  client.on('microphoneChanged', ({ state }) => {
    if (state === 'active') for (const code of microphoneCodes) problem.clear(code);
  });
  live.start(client);
  render();
}

const microphoneCodes = [
  'microphone_denied',
  'microphone_missing',
  'microphone_in_use',
  'microphone_lost',
  'insecure_origin',
] as const;

function showProblem(error: ParleyError): void {
  problem.show(error, remedyFor(error));
}

function remedyFor(error: ParleyError): Remedy | undefined {
  const { client } = controller;
  if (error.code === 'autoplay_blocked') return { label: 'Play sound', run: () => void client?.startAudio() };
  if (error.code === 'microphone_denied' || error.code === 'microphone_missing' || error.code === 'microphone_in_use') {
    return { label: 'Try again', run: () => void client?.setMicrophoneEnabled(true) };
  }
  if (error.code === 'version_mismatch') return { label: 'Reload', run: () => window.location.reload() };
  // Where there is no call any more, the Talk button is what helps.
  return undefined;
}

/** Whether requests reach the server. While the call moves they do, and nobody's typing should be interrupted by it. */
function canAsk(): boolean {
  const { call } = controller.situation;
  return call === 'connected' || call === 'moving';
}

function canInterrupt(): boolean {
  return canAsk() && controller.situation.agent === 'speaking';
}

function toggleMute(): void {
  const { client } = controller;
  if (client && !elements.mute.disabled) void client.setMicrophoneEnabled(client.microphone !== 'active');
}

elements.talk.addEventListener('click', ({ timeStamp }) => {
  // The second half of a double click would end the call that the first has begun, or the other way round.
  if (timeStamp - talkedAtMs < doubleClickMs) return;
  talkedAtMs = timeStamp;
  example.stop();
  if (controller.client) void controller.hangUp();
  else void controller.start();
});
elements.mute.addEventListener('click', toggleMute);
elements.interrupt.addEventListener('click', () => {
  if (canInterrupt()) void controller.interrupt();
});
elements.sayForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = elements.say.value.trim();
  if (text === '' || elements.say.disabled) return;
  // What could not be sent comes back into the field; the reason arrives as an `error` event.
  controller.client?.sendText(text).catch(() => {
    if (elements.say.value === '') elements.say.value = text;
  });
  elements.say.value = '';
});
listenToKeys({ toggleMute });
void showAgent();
new LineWatch(
  () => controller.client,
  (poor) => controller.lineChanged(poor),
).start();
new DetailsView(() => controller.client ?? window.parley).start();

/** Long after the page was drawn, for browsers that do not tell when they have nothing to do. */
const atRestMs = 500;
// Whoever presses Talk does not wait for what can be done before.
if ('requestIdleCallback' in window) window.requestIdleCallback(() => ParleyClient.prepare());
else setTimeout(() => ParleyClient.prepare(), atRestMs);

const stored = readSession(sessionStorage, Date.now());
// The permission for the microphone outlives a reload, so the call goes on without another click.
if (stored) void controller.start(stored);
else {
  forgetSession(sessionStorage);
  example.start(matchMedia('(prefers-reduced-motion: reduce)').matches);
}
render();
