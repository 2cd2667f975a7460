/** Where signalling writes what an operator should know. Pino's logger fits. Never given a token or what was said. */
export type Log = {
  debug: (details: object, message: string) => void;
  info: (details: object, message: string) => void;
  warn: (details: object, message: string) => void;
  error: (details: object, message: string) => void;
};
