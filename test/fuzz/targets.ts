/** All that takes bytes from outside, by the name that `--target` takes. Each is loaded in the process that feeds it. */
import type { OpenTarget } from './fuzz-target.ts';

export const targets: Readonly<Record<string, OpenTarget>> = {
  rtp: async () => (await import('./targets/rtp.ts')).openRtp(),
  rtcp: async () => (await import('./targets/rtcp.ts')).openRtcp(),
  opus: async () => (await import('./targets/opus.ts')).openOpus(),
  wav: async () => (await import('./targets/wav.ts')).openWav(),
  message: async () => (await import('./targets/message.ts')).openMessage(),
  gateway: async () => (await import('./targets/gateway.ts')).openGateway(),
  bus: async () => (await import('./targets/bus.ts')).openBus(),
  token: async () => (await import('./targets/token.ts')).openToken(),
  http: async () => (await import('./targets/http.ts')).openHttp(),
  yaml: async () => (await import('./targets/yaml.ts')).openYaml(),
  recognition: async () => (await import('./targets/recognition.ts')).openRecognition(),
  voice: async () => (await import('./targets/voice.ts')).openVoice(),
  model: async () => (await import('./targets/model.ts')).openModel(),
  words: async () => (await import('./targets/words.ts')).openWords(),
  address: async () => (await import('./targets/address.ts')).openAddress(),
};
