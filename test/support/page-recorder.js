// @ts-nocheck: this runs in a page, and the types of a page are not those of this project's server.
// Runs in a page before its own code: notes the events of each of its calls, and records what the agent sounds like.
// `window.callRecorder` is what test/support/browser.ts asks.
(() => {
  // What a frame of the page connects is recorded by the page.
  if (globalThis !== globalThis.top) return;
  const names = [
    'stateChanged',
    'joined',
    'transcript',
    'agentState',
    'userStartedSpeaking',
    'userStoppedSpeaking',
    'agentStartedSpeaking',
    'agentStoppedSpeaking',
    'turn',
    'decision',
    'microphoneChanged',
    'playbackChanged',
    'audioLost',
    'audioBack',
    'queued',
    'busy',
    'reconnecting',
    'moving',
    'moved',
    'ended',
    'error',
  ];
  const events = [];
  const sound = [];
  let rateHz = 48_000;

  const note = (name, data) => {
    const plain = data instanceof Error ? { code: data.code, message: data.message } : (data ?? {});
    events.push({ name, data: JSON.parse(JSON.stringify(plain)), heardMs: performance.now() });
  };

  const ear = `registerProcessor('ear', class extends AudioWorkletProcessor {
    process([input]) {
      if (input[0]) this.port.postMessage({ at: currentTime, samples: input[0].slice() });
      return true;
    }
  });`;

  const listen = async ({ context, agent }) => {
    await context.audioWorklet.addModule(`data:text/javascript,${encodeURIComponent(ear)}`);
    const node = new AudioWorkletNode(context, 'ear');
    agent.connect(node);
    rateHz = context.sampleRate;
    node.port.addEventListener('message', ({ data }) => {
      const { contextTime = 0, performanceTime = 0 } = context.getOutputTimestamp();
      sound.push({ startMs: performanceTime + (data.at - contextTime) * 1000, samples: data.samples });
    });
    node.port.start();
  };

  // A microphone that a test speaks into: `setVoice` makes the page hear it in place of the browser's own.
  const voice = {};
  const decode = (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32_768);
  };
  const openVoice = () => {
    voice.context = new AudioContext({ sampleRate: 48_000 });
    voice.destination = voice.context.createMediaStreamDestination();
    // A source that never ends keeps the track alive between sentences.
    const silence = voice.context.createConstantSource();
    silence.offset.value = 0;
    silence.connect(voice.destination);
    silence.start();
    navigator.mediaDevices.getUserMedia = async () => voice.destination.stream.clone();
  };

  const connections = [];
  const recording = new WeakMap();
  // Connections of a frame count as well: whoever uses them puts their constructor in the place of the page's.
  const recorded = (Plain) => {
    const known = recording.get(Plain);
    if (known) return known;
    class Recorded extends Plain {
      constructor(...options) {
        super(...options);
        connections.push(this);
      }
    }
    recording.set(Plain, Recorded);
    // What is put back stays as it is.
    recording.set(Recorded, Recorded);
    return Recorded;
  };
  let PeerConnection = recorded(globalThis.RTCPeerConnection);
  Object.defineProperty(globalThis, 'RTCPeerConnection', {
    configurable: true,
    get: () => PeerConnection,
    set: (next) => {
      PeerConnection = recorded(next);
    },
  });

  let client;
  Object.defineProperty(globalThis, 'parley', {
    get: () => client,
    set: (next) => {
      client = next;
      for (const name of names) next.on(name, (data) => note(name, data));
      let listening = false;
      next.on('joined', () => {
        if (listening) return;
        listening = true;
        listen(next.audio).catch((error) => note('recorder-failed', error));
      });
    },
  });

  globalThis.callRecorder = {
    events: () => events,

    openVoice,

    /** A call of the SDK, for a page that has none of its own. */
    connect: async () => {
      const { ParleyClient } = await import('/sdk/parley.js');
      const answer = await fetch('/demo/sessions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{}',
      });
      const { token } = await answer.json();
      globalThis.parley = new ParleyClient({ token });
      await globalThis.parley.connect();
    },

    /** What the browser counted about the call's RTP streams and paths, of connections that are not closed. */
    rtcStatistics: async () => {
      const open = connections.filter(({ connectionState }) => connectionState !== 'closed');
      const reports = await Promise.all(open.map((connection) => connection.getStats()));
      const wanted = ['inbound-rtp', 'outbound-rtp', 'remote-inbound-rtp', 'candidate-pair', 'local-candidate'];
      return reports.flatMap((report) => [...report.values()].filter(({ type }) => wanted.includes(type)));
    },

    /** Says something into the microphone. Returns when it begins and ends, on the page's clock. */
    say: (base64) => {
      const samples = decode(base64);
      const buffer = voice.context.createBuffer(1, samples.length, 48_000);
      buffer.copyToChannel(samples, 0);
      const source = voice.context.createBufferSource();
      source.buffer = buffer;
      source.connect(voice.destination);
      source.start();
      const startMs = performance.now();
      return { startMs, endMs: startMs + samples.length / 48 };
    },

    /** The first event from `from` on whose data has these values; undefined while there is none. */
    find: (name, values, from) => {
      const matches = ({ data }) => Object.entries(values).every(([key, value]) => data[key] === value);
      const index = events.findIndex((event, at) => at >= from && event.name === name && matches(event));
      return index < 0 ? undefined : { ...events[index], index };
    },

    /** What was heard from `fromMs` to `toMs`: samples as base64 of 32-bit floats, and when the first was heard. */
    sound: (fromMs, toMs) => {
      const taken = sound.filter(({ startMs }) => startMs >= fromMs && startMs < toMs);
      const all = new Float32Array(taken.reduce((sum, { samples }) => sum + samples.length, 0));
      let at = 0;
      for (const { samples } of taken) {
        all.set(samples, at);
        at += samples.length;
      }
      const bytes = new Uint8Array(all.buffer);
      let binary = '';
      for (let index = 0; index < bytes.length; index += 0x8000) {
        binary += String.fromCharCode(...bytes.subarray(index, index + 0x8000));
      }
      return { base64: btoa(binary), rateHz, startMs: taken[0]?.startMs ?? 0 };
    },
  };
})();
