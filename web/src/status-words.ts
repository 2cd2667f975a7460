import type { AgentActivity, AgentOutput, ClientState, MicrophoneState } from '../../client-sdk/src/types.ts';

/** What the page knows at a moment; all that it says in words follows from it. */
export type Situation = {
  /** `idle`: no call yet; `ended`: there was one. */
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
};

export type Words = { status: string; hint: string };

/** The headline and what to do next, for people. */
export function wordsFor(situation: Situation): Words {
  switch (situation.call) {
    case 'idle':
      return { status: 'Ready when you are', hint: 'Press Talk, allow the microphone, and say something.' };
    case 'ended':
      return { status: 'The call has ended', hint: 'Press Talk to begin another one.' };
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
    return {
      status: 'Speaking',
      hint: microphone === 'none' ? 'You can type meanwhile.' : 'Cut in whenever you like.',
    };
  }
  if (agent === 'thinking') return { status: 'Thinking', hint: 'Preparing an answer.' };
  if (userSpeaking) {
    return { status: interrupted ? 'You have the floor' : 'Hearing you', hint: 'It answers when you stop.' };
  }
  return listening(microphone);
}

function listening(microphone: MicrophoneState): Words {
  if (microphone === 'muted') return { status: 'You are muted', hint: 'Unmute to speak, or type below.' };
  if (microphone === 'none') return { status: 'Listening for text', hint: 'Without a microphone, type below.' };
  return { status: 'Listening', hint: 'Say something; it answers when you stop.' };
}
