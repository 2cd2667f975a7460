import type { MicrophoneDevice, ParleyClient } from '../../client-sdk/src/index.ts';
import { elements } from './elements.ts';

/** The choice of microphones; browsers name them once permission was given. */
export class MicrophoneView {
  readonly #client: () => ParleyClient | undefined;

  constructor(client: () => ParleyClient | undefined) {
    this.#client = client;
    elements.microphone.addEventListener('change', () => void this.#choose(elements.microphone.value));
  }

  async refresh(client: ParleyClient): Promise<void> {
    const devices = (await client.microphones).filter(({ label }) => label !== '');
    elements.microphone.disabled = devices.length < 2;
    const current = client.microphoneId;
    const listed = devices.some(({ deviceId }) => deviceId === current);
    // One that the browser does not list would leave the choice empty.
    const options = listed ? devices : [{ deviceId: current ?? '', label: 'System default' }, ...devices];
    elements.microphone.replaceChildren(...options.map(toOption));
    if (current !== undefined) elements.microphone.value = current;
  }

  async #choose(deviceId: string): Promise<void> {
    const client = this.#client();
    if (!client) return;
    await client.setMicrophone(deviceId);
    // It shows the one in use, which is the one before where the choice could not be opened.
    await this.refresh(client);
  }
}

function toOption({ deviceId, label }: MicrophoneDevice): HTMLOptionElement {
  const option = document.createElement('option');
  option.value = deviceId;
  option.textContent = label;
  return option;
}
