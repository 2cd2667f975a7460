import { Router } from '@koa/router';
import type { Context, Middleware } from 'koa';
import type { z } from 'zod';
import { SignallingFailure } from '../signalling/errors.ts';
import type { Fleet } from '../signalling/fleet.ts';
import type { NewSession, SessionRecord } from '../signalling/session.ts';
import type { SessionTokens } from '../signalling/tokens.ts';
import type { Agents } from './agents.ts';
import { requireApiKey } from './api-keys.ts';
import * as schemas from './session-schemas.ts';
import { accept, reply } from './validation.ts';

export type SessionsRoutesOptions = {
  fleet: Fleet;
  tokens: SessionTokens;
  agents: Agents;
  apiKeys: readonly string[];
  /** Where clients connect; absent: as the request came. */
  publicUrl?: string;
};

/** Opens sessions: for integrators with a key, and for the demo page. */
export class SessionDesk {
  readonly #options: Omit<SessionsRoutesOptions, 'apiKeys'>;

  constructor(options: Omit<SessionsRoutesOptions, 'apiKeys'>) {
    this.#options = options;
  }

  /** Answers 201 with the session and the token that opens it. */
  async open(
    ctx: Context,
    request: Omit<NewSession, 'agent' | 'agentVersion'> & { agent?: string | undefined },
  ): Promise<void> {
    const { agents, fleet } = this.#options;
    const agent = request.agent ?? agents.defaultName;
    const { version } = await agents.resolve({ ...request, agent });
    const record = await fleet.open({ ...request, agent, agentVersion: version });
    const { id, state, ownerPod, unsaved } = record;
    const issued = await this.issue(ctx, id);
    reply(ctx, 201, schemas.createdSession, {
      id,
      agent,
      state,
      pod: ownerPod,
      ...(unsaved && { unsaved }),
      ...issued,
    });
  }

  /** A token for a session, and where to use it. */
  async issue(ctx: Context, sessionId: string): Promise<{ token: string; expiresAt: number; url: string }> {
    const { tokens, publicUrl } = this.#options;
    return { ...(await tokens.issue(sessionId)), url: publicUrl ?? `${ctx.protocol}://${ctx.host}` };
  }
}

/** `/v2/sessions`: what integrators do with sessions. */
export const sessionsRoutes = ({ apiKeys, ...options }: SessionsRoutesOptions): Router => {
  const { fleet } = options;
  const desk = new SessionDesk(options);
  const router = new Router({ prefix: '/v2/sessions' });
  // Part of each route: a router's own middleware knows fewer spellings of a path than its routes do.
  const guard = requireApiKey(apiKeys);
  addCollection(router, guard, desk, fleet);
  addSingle(router, guard, options.agents, fleet);
  addBelongings(router, guard, desk, fleet);
  return router;
};

const addCollection = (router: Router, guard: Middleware, desk: SessionDesk, fleet: Fleet): void => {
  router.post('/', guard, async (ctx) =>
    desk.open(ctx, withoutAbsent(accept(schemas.newSession, ctx.request.body ?? {}))),
  );

  router.get('/', guard, async (ctx) => {
    const { limit, cursor, state } = accept(schemas.listQuery, { ...ctx.query });
    const page = await fleet.list({ limit, ...(cursor && { cursor }), ...(state && { state }) });
    reply(ctx, 200, schemas.sessionList, { ...page, sessions: page.sessions.flatMap(viewIfAny) });
  });
};

const addSingle = (router: Router, guard: Middleware, agents: Agents, fleet: Fleet): void => {
  router.get('/:id', guard, async (ctx) => {
    reply(ctx, 200, schemas.sessionView, schemas.toSessionView(await fleet.get(idOf(ctx))));
  });

  router.patch('/:id', guard, async (ctx) => {
    const id = idOf(ctx);
    const changes = withoutAbsent(accept(schemas.sessionChanges, ctx.request.body ?? {}));
    if (changes.variables) await agents.checkVariables({ ...(await fleet.get(id)), ...changes });
    reply(ctx, 200, schemas.sessionView, schemas.toSessionView(await fleet.amend(id, changes)));
  });

  router.delete('/:id', guard, async (ctx) => {
    await fleet.end(idOf(ctx), 'deleted');
    ctx.status = 204;
  });
};

/** What belongs to a session: further tokens, and what was said. */
const addBelongings = (router: Router, guard: Middleware, desk: SessionDesk, fleet: Fleet): void => {
  router.post('/:id/tokens', guard, async (ctx) => {
    const { id, state } = await fleet.get(idOf(ctx));
    if (state === 'ended') throw new SignallingFailure('session_ended');
    reply(ctx, 201, schemas.issuedToken, await desk.issue(ctx, id));
  });

  router.get('/:id/transcript', guard, async (ctx) => {
    const { id } = await fleet.get(idOf(ctx));
    reply(ctx, 200, schemas.transcript, { entries: await fleet.transcript(id) });
  });
};

/** Of what somebody else has put into Redis and is almost a session, nothing is shown: all others are. */
const viewIfAny = (record: SessionRecord): z.input<typeof schemas.sessionView>[] => {
  const view = schemas.sessionView.safeParse(schemas.toSessionView(record));
  return view.success ? [view.data] : [];
};

/** An id that is none cannot be that of a session, so the answer is the same as for one that is not known. */
const idOf = (ctx: { params: unknown }): string => {
  const parsed = schemas.sessionPath.safeParse(ctx.params);
  if (!parsed.success) throw new SignallingFailure('session_not_found');
  return parsed.data.id;
};

/** Drops keys without a value, so that "absent" has one form only. */
const withoutAbsent = <Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [Key in keyof Value]: Exclude<Value[Key], undefined>;
  };
