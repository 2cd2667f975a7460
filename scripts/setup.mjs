// Sets up whatever is missing and then runs what was asked for. Needs nothing but Node 20.20 and npm.
//
//   node scripts/setup.mjs start                    the server
//   node scripts/setup.mjs test [mocha arguments]   every test, or those that are named
//   node scripts/setup.mjs check                    types, lint, format, architecture
//   node scripts/setup.mjs bench <script> [args]    a measurement of bench/
//   node scripts/setup.mjs replay <file> [--set …]  the journal of a call, decided again
//   node scripts/setup.mjs none                     set up for start, run nothing
//   node scripts/setup.mjs worker                   only the packages and mediasoup's worker: what seldom changes
//   node scripts/setup.mjs image <folder>           set up for start, gather what a container image holds
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBundle, bundles } from './setup/bundle.mjs';
import { checksOf, runCheck } from './setup/checks.mjs';
import { assembleImage } from './setup/image.mjs';
import { launch, passSignalsOn } from './setup/launch.mjs';
import { provideWorker, workerPath } from './setup/media-worker.mjs';
import { mochaRuns } from './setup/mocha-runs.mjs';
import { installPackages, modernNode, runAllowedScripts } from './setup/packages.mjs';
import { CommandFailedError } from './setup/run-command.mjs';
import { StepFailedError, runSteps } from './setup/steps.mjs';
import { missingNeeds, satisfyNeeds, testNeeds, thisMachine } from './setup/system-needs.mjs';
import { stages } from './setup/test-lanes.mjs';
import { runAll } from './setup/whole-run.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
const terminal = {
  /** @param {string} text */
  write: (text) => void process.stderr.write(text),
  rewritesLines: process.stderr.isTTY && !process.env['CI'],
};

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const targets = {
  start: async (args) => {
    await runSteps([...packages('production'), ...serverSteps()], terminal);
    return run(['--max-semi-space-size=16', 'server/main.ts', ...args]);
  },
  test: async (args) => {
    await runSteps([...packages('all'), testPrograms(), ...serverSteps()], terminal);
    return args.some(namesTests) ? run([mocha, ...args]) : runEverything(args);
  },
  bench: async (args) => {
    await runSteps([...packages('all'), testPrograms(), ...serverSteps()], terminal);
    return run(args);
  },
  replay: async (args) => {
    await runSteps(packages('production'), terminal);
    return run(['server/replay-command.ts', ...args]);
  },
  check: async () => {
    await runSteps(packages('all'), terminal);
    return runChecks();
  },
  none: async () => {
    await runSteps([...packages('production'), ...serverSteps()], terminal);
    return 0;
  },
  worker: async () => {
    await runSteps([...packages('production'), provideWorker(root, process.env)], terminal);
    return 0;
  },
  image: async ([folder]) => {
    if (folder === undefined) {
      terminal.write('parley: say which folder: node scripts/setup.mjs image <folder>\n');
      return 2;
    }
    const steps = [...packages('production'), ...serverSteps()];
    await runSteps([...steps, assembleImage(root, resolve(folder), process.env)], terminal);
    return 0;
  },
};

/** @param {import('./setup/packages.mjs').Scope} scope */
function packages(scope) {
  return [installPackages(root, scope), runAllowedScripts(root)];
}

function serverSteps() {
  return [provideWorker(root, process.env), ...bundles.map((bundle) => buildBundle(root, bundle))];
}

/** @returns {import('./setup/steps.mjs').Step} */
function testPrograms() {
  return {
    name: 'get the programs that tests use',
    isDone: async () => (await missingNeeds(testNeeds, thisMachine)).length === 0,
    run: (report) => satisfyNeeds(testNeeds, 'for the tests', thisMachine, report),
  };
}

/** @param {string} arg */
function namesTests(arg) {
  return arg.endsWith('.ts') || existsSync(join(root, arg));
}

/** @param {string[]} args of mocha, for all lanes */
async function runEverything(args) {
  const { cwd, env } = programs();
  // Tests start servers by the hundred, which need not compile all of their code each time.
  const NODE_COMPILE_CACHE = process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules/.cache/parley-tests');
  const runFiles = mochaRuns(modernNode(root), [mocha, ...args], { cwd, env: { ...env, NODE_COMPILE_CACHE } });
  return runAll(stages, runFiles, (text) => process.stdout.write(text));
}

/** @param {string[]} args */
function run(args) {
  return launch(modernNode(root), args, programs());
}

function programs() {
  const env = {
    ...process.env,
    MEDIASOUP_WORKER_BIN: workerPath(root, process.env),
    // See server/config.ts; tests and measurements load onnxruntime without it.
    ORT_DISABLE_TELEMETRY: '1',
  };
  return { cwd: root, env };
}

/** Every check runs, so that one command shows everything there is to mend. */
async function runChecks() {
  let status = 0;
  for (const check of checksOf(root)) {
    const step = { name: check.name, isDone: () => false, run: () => runCheck(root, modernNode(root), check) };
    await runSteps([step], terminal).catch(() => (status = 1));
  }
  const architecture = await launch(modernNode(root), [mocha, 'test/architecture.test.ts'], {
    cwd: root,
    env: process.env,
  });
  return status || architecture;
}

/** @returns {string | undefined} why nothing can be done here */
function obstacle() {
  if (process.platform === 'win32') return 'Windows is not supported; the Windows Subsystem for Linux is';
  if (Number.parseInt(process.versions.node, 10) < 20)
    return `Node 20.20 or later is needed, this is ${process.version}`;
  return targets[name] ? undefined : `usage: node scripts/setup.mjs ${Object.keys(targets).join('|')} [arguments]`;
}

const [name = '', ...args] = process.argv.slice(2);
const refusal = obstacle();
passSignalsOn(process.stdin.isTTY);
if (refusal) {
  terminal.write(`parley: ${refusal}\n`);
  process.exitCode = 2;
} else {
  // What failed has been said by then; anything else is a fault of this script and shows its stack.
  process.exitCode = await targets[name]?.(args).catch((error) => {
    if (error instanceof StepFailedError || error instanceof CommandFailedError) return 1;
    throw error;
  });
}
