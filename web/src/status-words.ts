import type {
  AgentActivity,
  AgentOutput,
  ClientState,
  EndReason,
  MicrophoneState,
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
  queuePosition: number | undefined;
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
    case 'reconnecting':
      return { status: 'Reconnecting…', hint: 'The server does not answer at the moment. The call goes on by itself.' };
    case 'moving':
      return { status: 'Moving…', hint: 'The call continues on another connection.' };
    case 'connected':
      return connected(situation);
  }
}

const endings: Readonly<Record<Ending, Words>> = {
  left: { status: 'The call has ended', hint: 'You hung up. Press Talk to begin another one.' },
  agent: { status: 'The call has ended', hint: 'The agent hung up. Press Talk to begin another one.' },
  deleted: { status: 'The call has ended', hint: 'It was ended at the server. Press Talk to begin another one.' },
  expired: {
    status: 'The time is up',
    hint: 'The call reached its longest duration. Press Talk to begin another one.',
  },
  idle: { status: 'The call has ended', hint: 'Nobody had spoken for a while. Press Talk to begin another one.' },
  failed: { status: 'The call broke off', hint: 'The server could not carry it on. Press Talk to try again.' },
  shutdown: { status: 'The server is closing', hint: 'It ended the call. Wait a moment, then press Talk.' },
  superseded: { status: 'Continued elsewhere', hint: 'Press Talk to begin another call here.' },
  gone: { status: 'The call has ended', hint: 'Press Talk to begin another one.' },
  unreachable: { status: 'Could not connect', hint: 'Press Talk to try again.' },
  lost: { status: 'The call broke off', hint: 'Press Talk to begin another one.' },
};

function connecting({ microphone, queuePosition, resuming }: Situation): Words {
  if (queuePosition !== undefined) {
    return { status: `Number ${queuePosition} in the queue`, hint: 'All places are taken. It begins by itself.' };
  }
  if (microphone === 'requesting') {
    return { status: 'Connecting…', hint: 'Allow the microphone if the browser asks for it.' };
  }
  return resuming
    ? { status: 'Resuming…', hint: 'Picking up the conversation where it was.' }
    : { status: 'Connecting…', hint: 'It takes a moment.' };
}

function connected(situation: Situation): Words {
  const { agent, interrupted, microphone, output, userSpeaking } = situation;
  if (situation.audioLost) {
    return { status: 'No sound arrives', hint: 'Looking for another way to the server.' };
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
  return { status: 'Listening', hint: 'Say something; it answers when you stop.' };
}
