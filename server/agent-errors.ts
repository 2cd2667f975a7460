/** What can be wrong with agents, and with what a session asks of one. */

/** Files that cannot be used. The message names file, field and what is allowed, one problem a line. */
export class AgentFilesInvalid extends Error {
  override readonly name = 'AgentFilesInvalid';
  readonly code = 'invalid_agents';

  constructor(problems: readonly string[]) {
    super(`The agents cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}

export class AgentNotFound extends Error {
  override readonly name = 'AgentNotFound';
  readonly code = 'agent_not_found';

  constructor(name: string, known: readonly string[]) {
    super(`There is no agent "${name}". Known are: ${known.join(', ')}.`);
  }
}

/** An agent whose providers this server cannot use. The message says what to set. */
export class AgentUnavailable extends Error {
  override readonly name = 'AgentUnavailable';
  readonly code = 'agent_unavailable';
  /** Its name. */
  readonly agent: string;

  constructor(agent: string, problem: string, options?: ErrorOptions) {
    super(`The agent "${agent}" is not available on this server: ${problem}.`, options);
    this.agent = agent;
  }
}

/** Overrides of one session that would make its agent invalid. */
export class OverridesInvalid extends Error {
  override readonly name = 'OverridesInvalid';
  readonly code = 'invalid_overrides';

  constructor(problems: readonly string[]) {
    super(problems.map((problem) => `overrides.${problem}`).join('; '));
  }
}

/** A session's variables that its agent does not know, or that it needs and was not given. */
export class VariablesInvalid extends Error {
  override readonly name = 'VariablesInvalid';
  readonly code = 'invalid_variables';

  constructor(problems: readonly string[]) {
    super(problems.map((problem) => `variables.${problem}`).join('; '));
  }
}
