import { elements } from './elements.ts';

type DemoAgent = { name: string; description: string; responder: 'parrot' | 'llm' };

/** Says whom one talks to. A server that does not tell leaves the page as it is. */
export async function showAgent(): Promise<void> {
  const response = await fetch('/demo/agent').catch(() => undefined);
  if (!response?.ok) return;
  const { name, description, responder } = (await response.json()) as DemoAgent;
  elements.agentName.textContent = `${name.charAt(0).toUpperCase()}${name.slice(1)}.`;
  elements.agentDescription.textContent = description;
  elements.agentEmbedded.hidden = responder !== 'parrot';
  elements.agentModel.hidden = responder === 'parrot';
}
