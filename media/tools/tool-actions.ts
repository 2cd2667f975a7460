/** What each kind of tool does, for one call. */
import type { VariableValues } from '../agent/agent-variables.ts';
import type { Tool } from '../agent/tool-schema.ts';
import type { ClientTools } from './client-tools.ts';
import type { CodeTools } from './code-tools.ts';
import type { HttpTools } from './http-tools.ts';
import type { ToolAction, ToolRun } from './tool-runner.ts';

/** What templates and functions are given of a session. */
export type ToolValues = { variables: VariableValues; secrets: Readonly<Record<string, string>> };

export type ToolActionParts = {
  http: Pick<HttpTools, 'run'>;
  client: ClientTools;
  code: Pick<CodeTools, 'run'>;
  /** Of the session; secrets by name, those that the agent's tools use. */
  values: ToolValues;
  /** Names the session, for servers that are to do a thing once. */
  sessionId: string;
  /** Ends the call when what is being said has been heard. */
  endCall: (run: ToolRun) => void;
  /** Shows a text on the caller's page. */
  sendText: (text: string, run: ToolRun) => void;
};

export function toolActions(parts: ToolActionParts): ToolAction {
  const { http, client, code, values, sessionId } = parts;
  return async (tool: Tool, args, run) => {
    const callKey = `${sessionId}:${run.turnId}:${run.callId}`;
    switch (tool.type) {
      case 'http':
        return http.run(tool, { ...values, arguments: args }, callKey, run.signal);
      case 'client': {
        const { name, timeoutMs } = tool;
        return client.run({ name, arguments: args, timeoutMs }, run);
      }
      case 'code': {
        const named = Object.entries(values.secrets).filter(([name]) => tool.secrets.includes(name));
        const context = { variables: values.variables, secrets: Object.fromEntries(named), callKey };
        return code.run(tool, args, context, run.signal);
      }
      case 'built-in':
        if (tool.name === 'end_call') parts.endCall(run);
        else parts.sendText(String(args['text']), run);
        return { done: true };
    }
  };
}
