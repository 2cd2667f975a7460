import { expect } from 'chai';
import { refuseUnknownFields, validate } from './kubernetes-schemas.ts';
import { manifestsOf, parseManifests } from './manifests.ts';
import type { Manifest } from './manifests.ts';

const files = ['k8s-redis.yaml', 'k8s-deployment.yaml', 'deploy/k8s-secrets.template.yaml'];

const failure = async (attempt: Promise<void>): Promise<string> =>
  attempt.then(
    () => '',
    (error: Error & { tail?: string }) => `${error.message}\n${error.tail ?? ''}`,
  );

const changed = (manifest: Manifest, change: (copy: Manifest) => void): Manifest => {
  const copy = structuredClone(manifest);
  change(copy);
  return copy;
};

describe("the manifests, by Kubernetes' own schemas", () => {
  for (const file of files) {
    for (const manifest of manifestsOf(file)) {
      const { kind, metadata } = manifest;
      it(`${file}: the ${kind} ${metadata.namespace ?? ''} ${metadata.name} is valid`, () => validate(manifest));
    }
  }

  it('have no field that Kubernetes does not know', async function () {
    this.timeout(120_000);
    await refuseUnknownFields(files.flatMap(manifestsOf));
  });
});

describe('the checks of manifests', () => {
  const deployment = () => manifestsOf('k8s-deployment.yaml').find(({ kind }) => kind === 'Deployment');

  it('refuse a value of the wrong kind', async () => {
    const wrong = changed(deployment(), (copy) => (copy.spec.template.spec.terminationGracePeriodSeconds = '630'));
    expect(await failure(validate(wrong))).to.include('terminationGracePeriodSeconds');
  });

  it('refuse an object that lacks what it needs', async () => {
    const wrong = changed(deployment(), (copy) => delete copy.spec.selector);
    expect(await failure(validate(wrong))).to.include('selector');
  });

  it('refuse a kind that the version does not have', async () => {
    const wrong = changed(deployment(), (copy) => (copy.kind = 'Deploiment'));
    expect(await failure(validate(wrong))).to.include('Deploiment');
  });

  it('refuse a misspelt field', async function () {
    this.timeout(120_000);
    const wrong = changed(deployment(), (copy) => {
      const [container] = copy.spec.template.spec.containers;
      container.livenesProbe = container.livenessProbe;
      delete container.livenessProbe;
    });
    expect(await failure(refuseUnknownFields([wrong]))).to.include('livenesProbe');
  });

  it('refuse a key that is there twice', () => {
    expect(() => parseManifests('a: 1\na: 2\n')).to.throw('unique');
  });
});
