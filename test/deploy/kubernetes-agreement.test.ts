import { expect } from 'chai';
import { parse } from 'yaml';
import { readConfig } from '../../server/config.ts';
import { startTestServer } from '../support/running-server.ts';
import { isSetting, manifestsOf, matches, one, readText } from './manifests.ts';
import type { Manifest } from './manifests.ts';

const parley = manifestsOf('k8s-deployment.yaml');
const redis = manifestsOf('k8s-redis.yaml');
const secrets = manifestsOf('deploy/k8s-secrets.template.yaml');

const deployment = one(parley, 'Deployment');
const pod = deployment.spec.template;
const [container] = pod.spec.containers;
const redisSet = one(redis, 'StatefulSet');

/** The container's environment as its processes see it; what only the cluster knows gets a stand-in. */
const environmentOf = ({ env }: Manifest): Record<string, string> => {
  const seen: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const standIn = valueFrom?.fieldRef?.fieldPath === 'status.hostIP' ? '192.0.2.7' : `${name}-0123456789-0123456789`;
    // Kubernetes puts in what stands before; what it does not know it leaves as it is.
    seen[name] = value?.replace(/\$\((\w+)\)/g, (asIs: string, known: string) => seen[known] ?? asIs) ?? standIn;
  }
  return seen;
};

const environment = environmentOf(container);
/** Variables that are there for others to be put together from. */
const ingredients = ['REDIS_PASSWORD', 'API_KEY', 'METRICS_KEY'];

describe("the Deployment's settings", () => {
  it('are settings of the server', () => {
    const unknown = Object.keys(environment).filter((name) => !isSetting(name) && !ingredients.includes(name));
    expect(unknown).to.be.empty;
  });

  it('are values that the server accepts', () => {
    const config = readConfig(environment);
    expect(config.apiKeys).to.have.lengthOf(2);
    expect(config.media.announcedAddress).to.equal('192.0.2.7');
  });

  it('leave the name of the pod to the server, which takes another after each start', () => {
    expect(environment).not.to.have.property('POD_ID');
  });

  it('leave no reference open', () => {
    for (const [name, value] of Object.entries(environment)) expect(value, name).not.to.include('$(');
  });

  it("put the node's address and Redis' password in", () => {
    expect(environment['REDIS_URL']).to.equal(
      `redis://:${environment['REDIS_PASSWORD']}@redis.redis.svc.cluster.local:6379/0`,
    );
  });
});

describe("the Deployment's ports", () => {
  const ports: { name: string; containerPort: number; hostPort?: number; protocol?: string }[] = container.ports;

  it('open each media worker by UDP and TCP on the node, under the same number', () => {
    const config = readConfig(environment);
    const first = config.media.port ?? 0;
    const expected = Array.from({ length: config.media.workers }, (_, index) => first + index);
    for (const protocol of ['UDP', 'TCP']) {
      const open = ports.filter((port) => port.hostPort !== undefined && port.protocol === protocol);
      expect(open.map(({ hostPort }) => hostPort)).to.deep.equal(expected);
      for (const { containerPort, hostPort } of open) expect(containerPort).to.equal(hostPort);
    }
  });

  it('have the port of HTTP, which the Service, the probes and the Ingress name', () => {
    expect(ports.find(({ name }) => name === 'http')?.containerPort).to.equal(readConfig(environment).http.port);
    const [served] = one(parley, 'Service').spec.ports;
    expect(served.targetPort).to.equal('http');
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      expect(probe.httpGet.port).to.equal('http');
    }
    const [rule] = one(parley, 'Ingress').spec.rules;
    expect(rule.http.paths[0].backend.service).to.deep.equal({ name: 'parley', port: { name: served.name } });
  });

  it('are not asked of the node as a whole: policies for pods would not see it', () => {
    expect(pod.spec.hostNetwork ?? false).to.be.false;
  });
});

describe("the Deployment's probes", () => {
  it('ask for paths that the server answers, live and ready', async () => {
    const server = await startTestServer();
    try {
      for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
        expect((await server.request('GET', probe.httpGet.path)).status).to.equal(200);
      }
      expect(container.readinessProbe.httpGet.path).to.equal('/health/ready');
      expect(container.livenessProbe.httpGet.path).to.equal('/health/live');
    } finally {
      await server.close();
    }
  });
});

describe('the end of a pod', () => {
  const CLOSING_S = 15;
  const preStopS = Number(container.lifecycle.preStop.exec.command[1]);

  it('leaves time for preStop, the longest drain and closing', () => {
    const drainS = readConfig(environment).drainTimeoutMs / 1000;
    expect(container.lifecycle.preStop.exec.command[0]).to.equal('sleep');
    expect(pod.spec.terminationGracePeriodSeconds).to.be.at.least(preStopS + drainS + CLOSING_S);
  });

  it('waits in preStop for longer than a balancer needs to see that the pod is going', () => {
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(preStopS).to.be.greaterThan(periodSeconds * failureThreshold);
  });

  it('never takes a pod away before its successor is there', () => {
    expect(deployment.spec.strategy.rollingUpdate).to.deep.equal({ maxUnavailable: 0, maxSurge: 1 });
    expect(deployment.spec.progressDeadlineSeconds).to.be.greaterThan(pod.spec.terminationGracePeriodSeconds);
  });
});

describe('selectors', () => {
  const { labels } = pod.metadata;

  it("of the Deployment, Service, PodDisruptionBudget and topology spread match Parley's pods", () => {
    expect(matches(deployment.spec.selector.matchLabels, labels)).to.be.true;
    expect(matches(one(parley, 'Service').spec.selector, labels)).to.be.true;
    expect(matches(one(parley, 'PodDisruptionBudget').spec.selector.matchLabels, labels)).to.be.true;
    for (const { labelSelector } of pod.spec.topologySpreadConstraints) {
      expect(matches(labelSelector.matchLabels, labels)).to.be.true;
    }
    const monitor = one(manifestsOf('deploy/k8s-pod-monitor.yaml'), 'PodMonitor');
    expect(matches(monitor.spec.selector.matchLabels, labels)).to.be.true;
  });

  it('of the HorizontalPodAutoscaler names the Deployment, which has no replicas of its own', () => {
    const { apiVersion, kind, name } = one(parley, 'HorizontalPodAutoscaler').spec.scaleTargetRef;
    expect({ apiVersion, kind, name }).to.deep.equal({
      apiVersion: deployment.apiVersion,
      kind: 'Deployment',
      name: deployment.metadata.name,
    });
    expect(deployment.spec.replicas).to.equal(undefined);
  });

  it("of Redis match Redis' pod, and its policy lets in Parley's pods alone", () => {
    const redisLabels = redisSet.spec.template.metadata.labels;
    const policy = one(redis, 'NetworkPolicy').spec;
    expect(matches(redisSet.spec.selector.matchLabels, redisLabels)).to.be.true;
    expect(matches(one(redis, 'Service').spec.selector, redisLabels)).to.be.true;
    expect(matches(policy.podSelector.matchLabels, redisLabels)).to.be.true;
    expect(policy.ingress).to.have.lengthOf(1);
    const [{ from, ports }] = policy.ingress;
    expect(from).to.have.lengthOf(1);
    expect(matches(from[0].podSelector.matchLabels, labels)).to.be.true;
    expect(from[0].namespaceSelector.matchLabels).to.deep.equal({
      'kubernetes.io/metadata.name': deployment.metadata.namespace,
    });
    expect(ports).to.deep.equal([{ protocol: 'TCP', port: 6379 }]);
  });
});

describe('scaling by sessions', () => {
  const autoscaler = one(parley, 'HorizontalPodAutoscaler').spec;
  const byPods = autoscaler.metrics.find(({ type }: Manifest) => type === 'Pods').pods;

  it('goes from 2 to 50 pods by CPU, memory and sessions', () => {
    expect([autoscaler.minReplicas, autoscaler.maxReplicas]).to.deep.equal([2, 50]);
    const resources = autoscaler.metrics.flatMap(({ resource }: Manifest) => resource?.name ?? []);
    expect(resources).to.deep.equal(['cpu', 'memory']);
  });

  it('counts a number that the server gives out and that the adapter passes on', async () => {
    const server = await startTestServer();
    const metrics = await server.request('GET', '/metrics');
    await server.close();
    expect(metrics.text).to.match(new RegExp(`^${byPods.metric.name} \\d`, 'm'));
    const [rule] = parse(readText('deploy/prometheus-adapter.yaml')).rules.custom;
    expect(rule.seriesQuery).to.match(new RegExp(`^${byPods.metric.name}{`));
    expect(rule.name.as).to.equal(byPods.metric.name);
  });

  it('begins before the places of a pod are taken', () => {
    const { voice } = readConfig(environment);
    expect(Number(byPods.target.averageValue)).to.be.lessThan(0.8 * voice.workers * voice.maxSessionsPerWorker);
  });
});

describe('secrets', () => {
  const referenced = (manifests: Manifest[], namespace: string): string[] =>
    Array.from(JSON.stringify(manifests).matchAll(/"secretKeyRef":\{"name":"([^"]+)","key":"([^"]+)"\}/g)).map(
      ([, name, key]) => `${namespace}/${name}/${key}`,
    );
  const templated = secrets.flatMap(({ metadata, stringData }) =>
    Object.keys(stringData).map((key) => `${metadata.namespace}/${metadata.name}/${key}`),
  );

  it('that the manifests refer to are those of the template', () => {
    const wanted = [...referenced(parley, 'parley'), ...referenced(redis, 'redis')];
    expect([...new Set(wanted)].sort()).to.deep.equal(templated.sort());
    const monitor = one(manifestsOf('deploy/k8s-pod-monitor.yaml'), 'PodMonitor');
    const { name, key } = monitor.spec.podMetricsEndpoints[0].authorization.credentials;
    expect(templated).to.include(`parley/${name}/${key}`);
  });

  it('have no values in the repository', () => {
    for (const { stringData } of secrets) expect(Object.values(stringData).join('')).to.equal('');
    expect(JSON.stringify([...parley, ...redis])).not.to.match(/"kind":"Secret"/);
  });
});

describe('what pods may do', () => {
  it('is as little as a restricted namespace asks, in both', () => {
    for (const { spec } of [pod, redisSet.spec.template]) {
      expect(spec.securityContext.runAsNonRoot).to.be.true;
      expect(spec.securityContext.runAsUser).to.be.greaterThan(0);
      expect(spec.securityContext.seccompProfile).to.deep.equal({ type: 'RuntimeDefault' });
      expect(spec.automountServiceAccountToken).to.be.false;
      expect(spec.containers[0].securityContext).to.deep.equal({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});
