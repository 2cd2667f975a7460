import type {
  AgentActivity,
  AgentOutput,
  ClientState,
  EndReason,
  MicrophoneState,
  MoveReason,
} from '../../client-sdk/src/types.ts';

/**
 * Why there is no call any more: what the server said, or what the page saw itself. `superseded`: another window has the
 * session; `gone`: there was nothing left to resume; `unreachable`: none came about; `lost`: it broke off.
 */
export type Ending = EndReason | 'superseded' | 'gone' | 'unreachable' | 'lost';

/** What the page knows at a moment; all that it says in words follows from it. */
export type Situation = {
  /** `idle`: no call yet; `ended`: there was one, or it was tried. */
  call: 'idle' | 'ended' | Exclude<ClientState, 'disconnected'>;
  agent: AgentActivity;
  output: AgentOutput;
  userSpeaking: boolean;
  microphone: MicrophoneState;
  /** The caller has just cut in, and the agent let them. */
  interrupted: boolean;
  resuming: boolean;
  /** Packets of the agent have stopped arriving. */
  audioLost: boolean;
  /** Much of what either side says gets lost or comes late. */
  poorLine: boolean;
  /** In the queue, from 1. */
  queuePosition: number | undefined;
  /** The server had no room when it was asked, and is asked again. */
  busy: boolean;
  /** Of the move that goes on. */
  moveReason: MoveReason | undefined;
  /** Of a call that has ended. */
  ending: Ending | undefined;
};

export type Words = { status: string; hint: string };

/** The headline and what to do next, for people. */
export function wordsFor(situation: Situation): Words {
  switch (situation.call) {
    case 'idle':
      return { status: 'Ready when you are', hint: 'Press Talk, allow the microphone, and say something.' };
    case 'ended':
      return endings[situation.ending ?? 'left'];
    case 'connecting':
      return connecting(situation);
    case 'queued':
      return queued(situation);
    case 'reconnecting':
      return reconnecting(situation);
    case 'moving':
      return moving(situation);
    case 'connected':
      return situation.poorLine && !situation.audioLost
        ? { ...connected(situation), hint: 'The line is poor: words may get lost or come late.' }
        : connected(situation);
  }
}

const endings: Readonly<Record<Ending, Words>> = {
  left: { status: 'The call has ended', hint: 'You hung up. Press Talk to begin another one.' },
  agent: { status: 'The call has ended', hint: 'The agent hung up. Press Talk to begin another one.' },
  deleted: { status: 'The call has ended', hint: 'The server ended it. Press Talk to begin another one.' },
  expired: {
    status: 'The time is up',
    hint: 'The call reached its time limit. Press Talk to begin another one.',
  },
  idle: { status: 'The call has ended', hint: 'Nobody had spoken for a while. Press Talk to begin another one.' },
  failed: { status: 'The call broke off', hint: 'The server could not continue it. Press Talk to try again.' },
  shutdown: { status: 'The server is closing', hint: 'It ended the call. Wait a moment, then press Talk.' },
  superseded: { status: 'Continued elsewhere', hint: 'Press Talk to begin another call here.' },
  gone: { status: 'The call has ended', hint: 'Press Talk to begin another one.' },
  unreachable: { status: 'Could not connect', hint: 'Press Talk to try again.' },
  lost: { status: 'The call broke off', hint: 'Press Talk to begin another one.' },
};

function queued({ queuePosition = 1 }: Situation): Words {
  const status = queuePosition === 1 ? 'You are next' : `Number ${queuePosition} in line`;
  return {
    status,
    hint: 'All places are taken. The call begins by itself when one is free. Hang up to leave the queue.',
  };
}

/** Signalling may be gone, or sound, or both; as long as there is sound, people can go on talking. */
function reconnecting({ audioLost, queuePosition }: Situation): Words {
  if (queuePosition !== undefined) {
    return {
      status: 'Reconnecting…',
      hint: 'The server does not answer. Your place in the queue is kept.',
    };
  }
  return audioLost
    ? { status: 'No sound arrives', hint: 'Looking for another route. The call goes on by itself.' }
    : { status: 'Reconnecting…', hint: 'If you still hear each other, go on. The buttons work again in a moment.' };
}

/** A server that goes lets the call run until another one has taken over; otherwise there is nothing to hear meanwhile. */
function moving(situation: Situation): Words {
  if (situation.moveReason === 'drain' && !situation.audioLost) {
    return { ...connected(situation), hint: 'The call moves to another server. Go on talking.' };
  }
  return { status: 'Moving…', hint: 'The call continues on another connection in a moment.' };
}

function connecting({ busy, microphone, resuming }: Situation): Words {
  if (busy) return { status: 'The server is busy', hint: 'Trying again. Hang up to stop.' };
  if (microphone === 'requesting') {
    return { status: 'Connecting…', hint: 'Allow the microphone if the browser asks for it.' };
  }
  return resuming
    ? { status: 'Resuming…', hint: 'Picking up the conversation where it was.' }
    : { status: 'Connecting…', hint: 'This takes a moment.' };
}

function connected(situation: Situation): Words {
  const { agent, interrupted, microphone, output, userSpeaking } = situation;
  if (situation.audioLost) {
    return { status: 'No sound arrives', hint: 'Looking for another route to the server.' };
  }
  if (agent === 'speaking' && output === 'ducked') {
    return { status: 'Speaking, quieter', hint: 'It heard you and turned its voice down.' };
  }
  if (agent === 'speaking' && output === 'paused') {
    return { status: 'Holding back', hint: 'It waits to hear whether you want the floor.' };
  }
  if (agent === 'speaking') {
    return { status: 'Speaking', hint: cuttingIn(microphone) };
  }
  if (agent === 'thinking') return { status: 'Thinking', hint: 'Preparing an answer.' };
  if (userSpeaking) {
    return { status: interrupted ? 'You have the floor' : 'Hearing you', hint: 'It answers when you stop.' };
  }
  return listening(microphone);
}

function cuttingIn(microphone: MicrophoneState): string {
  if (microphone === 'muted') return 'You are muted: unmute to cut in, or type meanwhile.';
  return microphone === 'none' ? 'You can type meanwhile.' : 'Cut in whenever you like.';
}

function listening(microphone: MicrophoneState): Words {
  if (microphone === 'muted') return { status: 'You are muted', hint: 'Unmute to speak, or type below.' };
  if (microphone === 'none') return { status: 'Listening for text', hint: 'Without a microphone, type below.' };
  return { status: 'Listening', hint: 'Say something. It answers when you stop.' };
}
