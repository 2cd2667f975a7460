/**
 * Who may lead a session: the rules by which a pod decides to take one over, or not. Pure.
 *
 * An owner that is cut off from Redis looks dead to the others and is not. So silence alone never takes a live session
 * away: only the pod that serves its client asks, and only because that client has come to join, or hears nothing. The
 * owner keeps the session if it answers that it leads, unless it says itself that nothing of the caller arrives any more.
 */
import type { MediaState } from './call-control.ts';
import type { UnreachableReason } from './errors.ts';

/**
 * Why a pod asks: its client wants to join; wants to join again and holds no media any more, though it had some; or is
 * connected and hears nothing. `hears`: it joins again, and has heard the owner since it lost its connection; `may-hear`: it
 * cannot tell yet. `change`: none of that; somebody wants to change the session or to end it.
 */
export type Occasion = 'join' | 'rejoin' | 'media-lost' | 'hears' | 'may-hear' | 'change';

/** What the owner of the record says, or its silence. */
export type OwnerWord =
  | { kind: 'leads'; media: MediaState }
  /** It is there and knows nothing of it, or no longer leads it. */
  | { kind: 'not-mine' }
  | { kind: UnreachableReason };

/** `relay`: the owner goes on. `claim`: take the session over. `refuse`: nothing can be known; the client tries again. */
export type Verdict = 'relay' | 'claim' | 'refuse';

/** How long an owner may be silent before it counts as lost, in ms: noticed within 2.5 s, after a second of silence. */
export const OWNER_PATIENCE_MS = 1_200;

/** Its client hears it, or will know in a moment whether it does; or may hear it, and has not asked for anything. */
const SILENCE_IS_NO_DEATH: ReadonlySet<Occasion> = new Set(['hears', 'may-hear', 'change']);

export const judge = (word: OwnerWord, occasion: Occasion): Verdict => {
  switch (word.kind) {
    case 'leads':
      // A client that joins without media of its own has none to lose.
      return word.media === 'lost' || (word.media === 'none' && occasion === 'media-lost') ? 'claim' : 'relay';
    case 'not-mine':
      return 'claim';
    case 'gone':
      // No longer at Redis, and alive: its client hears it.
      return occasion === 'hears' ? 'refuse' : 'claim';
    case 'timeout':
      return SILENCE_IS_NO_DEATH.has(occasion) ? 'refuse' : 'claim';
    case 'cut_off':
      return 'refuse';
  }
};
