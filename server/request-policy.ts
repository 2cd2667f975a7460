/** How other services are asked over HTTP: within a time, once more, and not at all while they are known to be away. */
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  handleWhen,
  retry,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';

export type RequestPolicyOptions = {
  /** For one request, its answer's body included. */
  timeoutMs: number;
  /** Failures that tell that the service is away; others concern what was asked. */
  isOutage: (error: unknown) => boolean;
};

/** A hiccup is over by then; an outage is not. */
const RETRY_AFTER_MS = 100;
/** Fewer: a few lost packets cut the service off. More: more callers wait in vain. */
const FAILURES = 5;
/** One request is let through after this long, and the circuit closes where it succeeds. */
const HALF_OPEN_AFTER_MS = 5_000;

export const requestPolicy = ({ timeoutMs, isOutage }: RequestPolicyOptions) => {
  const outage = handleWhen((error) => !(error instanceof BrokenCircuitError) && isOutage(error));
  const breaker = circuitBreaker(outage, {
    breaker: new ConsecutiveBreaker(FAILURES),
    halfOpenAfter: HALF_OPEN_AFTER_MS,
  });
  const policy = wrap(
    retry(outage, { maxAttempts: 1, backoff: new ConstantBackoff(RETRY_AFTER_MS) }),
    breaker,
    timeout(timeoutMs, TimeoutStrategy.Aggressive),
  );
  return {
    execute: <Result>(request: (signal: AbortSignal) => Promise<Result>): Promise<Result> =>
      policy.execute(({ signal }) => request(signal)),
    isOpen: () => breaker.state === CircuitState.Open,
  };
};

export const brokenCircuit = (error: unknown): boolean => error instanceof BrokenCircuitError;
