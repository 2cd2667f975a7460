/** The agents that there are, wherever they come from, and what a session makes of them. */
import type { AgentConfig, AgentDefinition } from '../media/agent/agent.ts';
import { completeValues, render } from '../media/agent/agent-variables.ts';
import { ProviderConfigError } from '../media/providers/vendor-access.ts';
import type { Log } from '../signalling/log.ts';
import type { SessionRecord } from '../signalling/session.ts';
import type { AgentBackend } from './agent-backend.ts';
import { AgentBackendError } from './agent-backend-client.ts';
import { checkDefinition, merge, secretOf, toolValuesOf } from './agent-definition.ts';
import type { LoadedAgent, Secrets } from './agent-definition.ts';
import { AgentNotFound, AgentUnavailable, OverridesInvalid, VariablesInvalid } from './agent-errors.ts';
import type { AgentFiles, AgentFileState } from './agent-files.ts';
import { AgentVersions } from './agent-versions.ts';

/** The agent of a session that names none. */
export const DEFAULT_AGENT = 'parrot';

export type AgentsOptions = {
  files: AgentFiles;
  /** Asked for agents that are no file. */
  backend?: AgentBackend;
  /** The agent of a session that names none. Default: the parrot, or where it was taken away the first. */
  defaultName?: string;
  /** Goes before the parrot, where it is there and no default is named. */
  preferredName?: string;
  secrets: Secrets;
  /** @throws ProviderConfigError for an agent whose providers cannot be used here, saying what to set */
  checkProviders?: (agent: AgentConfig) => void;
  log: Log;
};

/** What a session asks for. */
export type AgentRequest = Pick<SessionRecord, 'agent' | 'campaign' | 'overrides' | 'variables'>;

/** An agent for one session. */
export type SessionAgent = {
  config: AgentConfig;
  /** Of the agent, without what the session changes. */
  version: string;
  /** Where the agent itself wants the end of its sessions told. */
  webhook?: { url: string; secret: string };
};

/** What a call begins with, or went on from elsewhere. */
export type CallAgentRequest = AgentRequest & { id: string; agentVersion?: string };

export class Agents {
  readonly #options: AgentsOptions;
  readonly #versions = new AgentVersions();

  constructor(options: AgentsOptions) {
    this.#options = options;
  }

  /** Of the files; whatever a backend has beside them is not known in advance. */
  get names(): string[] {
    return this.#options.files.agents.map(({ definition }) => definition.name);
  }

  get defaultName(): string {
    const { defaultName, preferredName, files } = this.#options;
    if (defaultName !== undefined) return defaultName;
    if (preferredName !== undefined && files.find(preferredName)) return preferredName;
    return files.find(DEFAULT_AGENT) ? DEFAULT_AGENT : (this.names[0] ?? DEFAULT_AGENT);
  }

  get fileStates(): AgentFileState[] {
    return this.#options.files.states;
  }

  /**
   * Checks values that are to take the place of a session's former ones.
   * @throws {VariablesInvalid}
   */
  async checkVariables(session: AgentRequest & { agentVersion?: string }): Promise<void> {
    const found = await this.#known(session);
    if (found === undefined) return;
    const { problems } = completeValues(found.definition.variables, session.variables ?? {});
    if (problems.length > 0) throw new VariablesInvalid(problems);
  }

  /** Where the agent of a session wants its end told; undefined: it says nothing of that. Never rejects. */
  async webhookOf(session: AgentRequest & { agentVersion?: string }): Promise<SessionAgent['webhook']> {
    const found = await this.#known(session).catch(() => undefined);
    return found && this.#composeWhatFits(found, {}).webhook;
  }

  /** The agent of a session that was opened before; undefined where it cannot be had now. */
  async #known(session: AgentRequest & { agentVersion?: string }): Promise<LoadedAgent | undefined> {
    const { agent: name, agentVersion = '' } = session;
    const pinned = this.#versions.find(name, agentVersion);
    if (pinned) return pinned;
    const found = await this.#find(session);
    return found?.standsIn ? undefined : found?.agent;
  }

  /** How the backend is; undefined: there is none. */
  get backendState(): { away: boolean; cached: number } | undefined {
    const { backend } = this.#options;
    return backend && { away: backend.away, cached: backend.size };
  }

  /**
   * An agent for a session that is to be opened: with the session's overrides laid over it, and its variables put in.
   * @throws {AgentNotFound | AgentUnavailable}
   * @throws {OverridesInvalid | VariablesInvalid} naming fields and what is allowed.
   */
  async resolve(request: AgentRequest): Promise<SessionAgent> {
    const found = await this.#find(request);
    if (found === undefined) throw new AgentNotFound(request.agent, this.names);
    // What another agent was to be asked for cannot be held against a caller.
    const agent = found.standsIn ? this.#composeWhatFits(found.agent, request) : this.#compose(found.agent, request);
    this.#checkProviders(agent.config);
    return agent;
  }

  /** Of the files: those that cannot be used on this server, and why. */
  get unavailable(): AgentUnavailable[] {
    return this.#options.files.agents.flatMap((agent) => {
      try {
        this.#checkProviders(this.#composeWhatFits(agent, {}).config);
        return [];
      } catch (error) {
        if (error instanceof AgentUnavailable) return [error];
        throw error;
      }
    });
  }

  #checkProviders(config: AgentConfig): void {
    try {
      this.#options.checkProviders?.(config);
    } catch (error) {
      if (!(error instanceof ProviderConfigError)) throw error;
      throw new AgentUnavailable(config.name, error.message, { cause: error });
    }
  }

  /**
   * The agent of a call: in the version that its session began with where this pod has that, else as it is now. What its
   * session asked was checked when it was opened; what does not fit any more is left out, for a call never fails for it.
   */
  async forCall(request: CallAgentRequest): Promise<SessionAgent> {
    const { id, agent: name, agentVersion } = request;
    const pinned = agentVersion === undefined ? undefined : this.#versions.find(name, agentVersion);
    if (pinned) return this.#composeWhatFits(pinned, request);
    const found = (await this.#find(request)) ?? { agent: this.#default(), standsIn: true };
    const about = { sessionId: id, agent: name, wanted: agentVersion, used: found.agent.version };
    if (found.standsIn) this.#options.log.error(about, 'the agent of a call is not known; the default one answers');
    else if (agentVersion !== undefined && found.agent.version !== agentVersion) {
      this.#options.log.info(
        about,
        'the version that a session began with is not here; its agent as it is now answers',
      );
    }
    return this.#composeWhatFits(found.agent, request);
  }

  /** A file goes before the backend: whoever put it on this machine meant it. Where both have nothing, the default stands in. */
  async #find({
    agent,
    campaign,
  }: Pick<AgentRequest, 'agent' | 'campaign'>): Promise<{ agent: LoadedAgent; standsIn: boolean } | undefined> {
    const { files, backend } = this.#options;
    const file = files.find(agent);
    if (file) return { agent: file, standsIn: false };
    try {
      const found = await backend?.find(agent, campaign);
      return found && { agent: found, standsIn: false };
    } catch (error) {
      if (!(error instanceof AgentBackendError)) throw error;
      return { agent: this.#default(), standsIn: true };
    }
  }

  #default(): LoadedAgent {
    const { files } = this.#options;
    const found = files.find(this.defaultName) ?? files.agents[0];
    if (found === undefined) throw new AgentNotFound(this.defaultName, this.names);
    return found;
  }

  /** Without what does not fit. */
  #composeWhatFits(
    agent: LoadedAgent,
    { overrides, variables }: Pick<AgentRequest, 'overrides' | 'variables'>,
  ): SessionAgent {
    const { variables: declared } = agent.definition;
    const known = completeValues(declared, variables ?? {}).values;
    const request = { ...(overrides && { overrides }), variables: known };
    try {
      return this.#compose(agent, request, false);
    } catch (error) {
      if (!(error instanceof OverridesInvalid)) throw error;
      this.#options.log.warn(
        { agent: agent.definition.name, problems: error.message },
        "a session's overrides do not fit",
      );
      return this.#compose(agent, { variables: known }, false);
    }
  }

  #compose(agent: LoadedAgent, request: Pick<AgentRequest, 'overrides' | 'variables'>, strict = true): SessionAgent {
    const definition = this.#override(agent.definition, request.overrides);
    const { values, problems } = completeValues(definition.variables, request.variables ?? {});
    if (strict && problems.length > 0) throw new VariablesInvalid(problems);
    this.#versions.keep(agent);
    const { variables: _, secrets: _own, webhook, ...open } = definition;
    const { secrets } = this.#options;
    const secret = webhook && secretOf(definition, webhook.secret, secrets);
    const tools = open.tools.length > 0 && { toolValues: toolValuesOf(definition, values, secrets) };
    return {
      config: { ...open, greeting: render(open.greeting, values), prompt: render(open.prompt, values), ...tools },
      version: agent.version,
      ...(webhook && secret !== undefined && { webhook: { url: webhook.url, secret } }),
    };
  }

  #override(definition: AgentDefinition, overrides: object | undefined): AgentDefinition {
    if (overrides === undefined) return definition;
    // Whoever opens sessions would send the agent's secrets where they like.
    if ('tools' in overrides) throw new OverridesInvalid(['tools cannot be overridden: declare them in the agent']);
    const { agent, problems } = checkDefinition(merge(definition, overrides), this.#options.secrets, true);
    if (agent === undefined) throw new OverridesInvalid(problems);
    return agent.definition;
  }
}
