/** What each kind of tool does, for one call. */
import type { Tool } from '../tool-schema.ts';
import type { ClientTools } from './client-tools.ts';
import { runCodeTool } from './code-tools.ts';
import type { HttpTools } from './http-tools.ts';
import type { TemplateValues } from './template.ts';
import type { ToolAction } from './tool-runner.ts';

export type ToolActionParts = {
  http: HttpTools;
  client: ClientTools;
  /** Of the session; secrets by name, those that the agent's tools use. */
  values: Pick<TemplateValues, 'variables' | 'secrets'>;
  /** Names the session, for servers that are to do a thing once. */
  sessionId: string;
  /** Ends the call when what is being said has been heard. */
  endCall: () => void;
  /** Shows a text on the caller's page. */
  sendText: (text: string) => void;
};

export function toolActions(parts: ToolActionParts): ToolAction {
  const { http, client, values, sessionId } = parts;
  return async (tool: Tool, args, run) => {
    const callKey = `${sessionId}:${run.turnId}:${run.callId}`;
    switch (tool.type) {
      case 'http':
        return http.run(tool, { ...values, arguments: args }, callKey, run.signal);
      case 'client':
        return client.run(tool.name, args, run);
      case 'code':
        return runCodeTool(tool, args, { ...values, callKey, signal: run.signal }, run);
      case 'built-in':
        if (tool.name === 'end_call') parts.endCall();
        else parts.sendText(String(args['text']));
        return { done: true };
    }
  };
}
