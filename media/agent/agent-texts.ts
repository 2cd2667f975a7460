/** What an agent says in words of its own where no model is asked, in place of its language's. */
import { z } from 'zod';
import { languageOf } from '../languages/languages.ts';
import type { Texts } from '../languages/language.ts';

const text = z.string().min(1).max(1000).optional();
const texts = (most: number) => z.array(z.string().min(1).max(1000)).min(1).max(most).optional();

/** What each is for: `languages/language.ts`. */
export const agentTexts = z
  .strictObject({
    oneMoment: text,
    notUnderstood: text,
    sayAgain: text,
    apology: text,
    cannotHear: text,
    farewell: text,
    bridges: texts(2),
    areYouThere: texts(10),
    idleGoodbye: text,
    timeIsShort: text,
    timeIsUp: text,
  } satisfies Record<keyof Texts, unknown>)
  .prefault({});

export function textsOf({ language, texts: own }: AgentWords): Texts {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return { ...languageOf(language).texts, ...given };
}

export type AgentWords = { language?: string | undefined; texts: z.infer<typeof agentTexts> };
