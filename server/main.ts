/** Starts the server, waits for a signal, closes it. */
import { inspect } from 'node:util';
import { AgentFilesInvalid, AgentUnavailable } from './agent-errors.ts';
import { createCalls } from './calls.ts';
import { ConfigError, describeConfig, keepNativeLibrariesQuiet, readConfig } from './config.ts';
import { StartError } from './http-server.ts';
import { createLog } from './log.ts';
import { startServer } from './server.ts';
import type { RunningServer } from './server.ts';

/** Signals within this time of the first count as the same one, in ms. */
const SAME_SIGNAL_MS = 1000;

const main = async (): Promise<void> => {
  const config = readConfig();
  keepNativeLibrariesQuiet();
  const log = createLog({ level: config.logLevel });
  for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, `${event}: the server cannot go on`);
      process.exit(1);
    });
  }
  log.info(describeConfig(), 'configuration');
  const server = await startServer({ config, createCalls, log });
  // Before the message that it is ready: whoever waits for that may end it at once.
  closeOnSignal(server, (what) => log.info(what));
  for (const notice of config.notices) log.warn(notice);
  log.info(`agents: ${server.agents.join(', ')}; sessions that name none get ${server.defaultAgent}`);
  log.info(`Parley is ready: open ${server.url}`);
};

const closeOnSignal = (server: RunningServer, announce: (what: string) => void): void => {
  let closingSinceMs: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // npm, systemd and terminals may each pass the same signal on.
      if (closingSinceMs !== undefined && performance.now() - closingSinceMs > SAME_SIGNAL_MS) process.exit(130);
      if (closingSinceMs !== undefined) return;
      closingSinceMs = performance.now();
      announce(`${signal}: closing; send it again to exit at once`);
      void server.close().then(() => {
        announce('closed');
        process.exit(0);
      });
    });
  }
};

try {
  await main();
} catch (error) {
  const mendable = [ConfigError, AgentFilesInvalid, AgentUnavailable, StartError].some((kind) => error instanceof kind);
  process.stderr.write(`${mendable ? (error as Error).message : inspect(error)}\n`);
  process.exit(1);
}
