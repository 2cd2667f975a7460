/** `GET /openapi.json`: the API's description, made from the schemas that check requests and answers. */
import { Router } from '@koa/router';
import { createDocument } from 'zod-openapi';
import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject, ZodOpenApiResponseObject } from 'zod-openapi';
import type { ZodType } from 'zod';
import { agentList } from './agents-routes.ts';
import { demoAgent } from './demo-routes.ts';
import { drainState } from './drain-routes.ts';
import { health, probe } from './health-routes.ts';
import * as schemas from './session-schemas.ts';

export type OpenApiOptions = { version: string; publicUrl?: string; demo: boolean };

const json = (schema: ZodType) => ({ 'application/json': { schema } });
const answer = (description: string, schema: ZodType): ZodOpenApiResponseObject => ({
  description,
  content: json(schema),
});
const failure = (description: string): ZodOpenApiResponseObject => answer(description, schemas.errorBody);

const invalid = { '400': failure('The request is not valid.') };
const unauthorized = { '401': failure('The API key is missing or wrong.') };
const unknown = { '404': failure('There is no such session.') };
const ended = { '409': failure('The session has ended.') };
const busy = { '503': failure('All places are taken; see Retry-After.') };
const withKey = { security: [{ apiKey: [] }] };
const ofSession = { ...withKey, requestParams: { path: schemas.sessionPath } };

const collection: { post: ZodOpenApiOperationObject; get: ZodOpenApiOperationObject } = {
  post: {
    ...withKey,
    summary: 'Open a session',
    requestBody: { content: json(schemas.newSession) },
    responses: { '201': answer('Opened.', schemas.createdSession), ...invalid, ...unauthorized, ...busy },
  },
  get: {
    ...withKey,
    summary: 'List sessions, newest first',
    requestParams: { query: schemas.listQuery },
    responses: { '200': answer('One page.', schemas.sessionList), ...invalid, ...unauthorized },
  },
};

const single = {
  get: {
    ...ofSession,
    summary: 'Read a session',
    responses: { '200': answer('The session.', schemas.sessionView), ...unauthorized, ...unknown },
  },
  patch: {
    ...ofSession,
    summary: 'Change variables or metadata; each given one is replaced as a whole',
    requestBody: { required: true, content: json(schemas.sessionChanges) },
    responses: {
      '200': answer('The session as it is now.', schemas.sessionView),
      ...invalid,
      ...unauthorized,
      ...unknown,
      ...ended,
    },
  },
  delete: {
    ...ofSession,
    summary: 'End a session; ending it again changes nothing',
    responses: { '204': { description: 'Ended.' }, ...unauthorized, ...unknown },
  },
};

const paths: ZodOpenApiPathsObject = {
  '/v2/sessions': collection,
  '/v2/sessions/{id}': single,
  '/v2/sessions/{id}/tokens': {
    post: {
      ...ofSession,
      summary: 'Issue another token for a session',
      responses: { '201': answer('The token.', schemas.issuedToken), ...unauthorized, ...unknown, ...ended },
    },
  },
  '/v2/sessions/{id}/transcript': {
    get: {
      ...ofSession,
      summary: 'Read the conversation so far',
      responses: { '200': answer('The transcript.', schemas.transcript), ...unauthorized, ...unknown },
    },
  },
  '/v2/agents': {
    get: {
      ...withKey,
      summary: 'List the agents of this pod, and what is wrong with their files',
      responses: { '200': answer('The agents.', agentList), ...unauthorized },
    },
  },
  '/v2/drain': {
    post: {
      ...withKey,
      summary: 'Empty this pod: nothing new is opened here, and its sessions go to other pods',
      responses: { '202': answer('It drains.', drainState), ...unauthorized },
    },
    delete: {
      ...withKey,
      summary: 'Take a drain back; what has gone to other pods stays there',
      responses: {
        '200': answer('It takes sessions again.', drainState),
        ...unauthorized,
        '409': failure('The process is about to end.'),
      },
    },
  },
  '/health': { get: { summary: 'How the server is', responses: { '200': answer('Its state.', health) } } },
  '/health/live': { get: { summary: 'Whether it runs', responses: { '200': answer('It runs.', probe) } } },
  '/health/ready': {
    get: {
      summary: 'Whether it takes new sessions',
      responses: { '200': answer('It does.', probe), '503': failure('It starts or closes.') },
    },
  },
};

const demoPath: ZodOpenApiPathsObject = {
  '/demo/sessions': {
    post: {
      summary: 'Open a session with the default agent',
      responses: {
        '201': answer('Opened.', schemas.createdSession),
        '429': failure('Too many from this address; see Retry-After.'),
        ...busy,
      },
    },
  },
  '/demo/agent': {
    get: { summary: 'Who the default agent is', responses: { '200': answer('Its description.', demoAgent) } },
  },
};

export const describeApi = ({ version, publicUrl, demo }: OpenApiOptions) =>
  createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: 'Sessions of a voice-AI media server.',
      license: { name: 'Apache-2.0' },
    },
    ...(publicUrl && { servers: [{ url: publicUrl }] }),
    paths: demo ? { ...paths, ...demoPath } : paths,
    components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
  });

export const openApiRoutes = (options: OpenApiOptions): Router => {
  const document = describeApi(options);
  const router = new Router();
  router.get('/openapi.json', (ctx) => {
    ctx.body = document;
  });
  return router;
};
