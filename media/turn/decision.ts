/** Why the agent did what it did: told as events, with what each decision rested on. Never what was said. */

export type DecisionKind =
  /** The caller's turn is over. */
  | 'endpoint'
  /** A reply waits for the caller to be silent, and no longer does. */
  | 'hold'
  | 'release'
  /** The agent's voice is lowered, stops for the time being, and is back. */
  | 'duck'
  | 'unduck'
  | 'pause'
  | 'resume'
  /** The reply is given up for what the caller says. */
  | 'interrupt'
  /** What was heard is the agent's own echo. */
  | 'veto'
  /** Sounds or words that make no turn. */
  | 'ignore'
  /** A reply was begun before the turn had ended; used, or thrown away. */
  | 'speculate'
  | 'use'
  | 'discard'
  /** A tool was run. */
  | 'tool'
  /** A provider failed or was left out. */
  | 'failover'
  /** Silence was bridged. */
  | 'bridge'
  /** A turn or a stage that came to nothing is begun again, or given up with an apology. */
  | 'restart'
  | 'apologise'
  | 'summarise'
  /** The caller has said nothing for long: asked about, or the end. */
  | 'idle'
  /** The agent's limit for a conversation is near, or reached. */
  | 'limit';

export type DecisionInputs = Readonly<Record<string, string | number | boolean>>;

export type Decision = {
  decision: DecisionKind;
  /** One word or two: what brought it about. */
  reason: string;
  /** What it rested on; times in ms. */
  inputs: DecisionInputs;
  /** The turn that it is about, where there is one. */
  turnId?: string;
  atMs: number;
};

export type Decide = (decision: DecisionKind, reason: string, inputs: DecisionInputs, nowMs: number) => void;
