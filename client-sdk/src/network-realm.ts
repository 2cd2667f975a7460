/**
 * The machine's network as it is now. Browsers tell a page's connections of a change late: Chromium gathers such changes
 * for 2 s on Linux, 1.5 s on Windows, 1 s on Android, and until then new sockets, of an ICE restart too, are bound to
 * addresses that are gone. A frame that was made since has a list of its own, and what it connects works at once.
 */

import { plain } from './host-addresses.ts';

/** Host candidates come within some 50 ms; a machine that has no network gives none. */
const gatherMs = 400;

/** A frame without a document of its own, for connections that know today's network. They close with it. */
export class NetworkRealm {
  readonly #frame: HTMLIFrameElement;

  constructor() {
    this.#frame = document.createElement('iframe');
    this.#frame.style.display = 'none';
    this.#frame.title = 'network';
    document.documentElement.append(this.#frame);
  }

  /** Where the browser gives frames no WebRTC, the page's own. */
  get #peerConnection(): typeof RTCPeerConnection {
    const frame: (Window & { RTCPeerConnection?: typeof RTCPeerConnection }) | null = this.#frame.contentWindow;
    return frame?.RTCPeerConnection ?? RTCPeerConnection;
  }

  /** Has what `create` makes at once use connections of this frame: mediasoup-client takes the page's by name. */
  within<Made>(create: () => Made): Made {
    const page = globalThis as { RTCPeerConnection: typeof RTCPeerConnection };
    const own = page.RTCPeerConnection;
    page.RTCPeerConnection = this.#peerConnection;
    try {
      return create();
    } finally {
      page.RTCPeerConnection = own;
    }
  }

  /** The addresses that the machine has; those that the browser hides are left out. */
  async hostAddresses(): Promise<Set<string>> {
    const addresses = new Set<string>();
    const connection = new this.#peerConnection();
    try {
      const gathered = new Promise<void>((resolve) => {
        connection.addEventListener('icecandidate', ({ candidate }) => {
          const address = candidate?.type === 'host' ? candidate.address : undefined;
          if (address) addresses.add(address);
          if (!candidate) resolve();
        });
        setTimeout(resolve, gatherMs);
      });
      connection.createDataChannel('network');
      await connection.setLocalDescription();
      await gathered;
    } finally {
      connection.close();
    }
    return plain(addresses);
  }

  close(): void {
    this.#frame.remove();
  }
}

/** Looks with a frame that is made for it and goes with it. */
export async function hostAddresses(): Promise<Set<string>> {
  const realm = new NetworkRealm();
  try {
    return await realm.hostAddresses();
  } finally {
    realm.close();
  }
}
