import { expect } from 'chai';
import { misspeltSettings } from '../../server/misspelt-settings.ts';

const settings = ['PORT', 'API_KEYS', 'POD_ID', 'LLM_MODEL'];

describe('misspelt settings', () => {
  for (const [name, meant] of [
    ['API_KEY', 'API_KEYS'],
    ['PROT', 'PORT'],
    ['LLM_MODELS', 'LLM_MODEL'],
    ['POD_IT', 'POD_ID'],
  ] as const) {
    it(`are told: ${name} for ${meant}`, () => {
      expect(misspeltSettings({ [name]: 'x' }, settings)).to.deep.equal([
        `${name} is not a setting and has no effect. Did you mean ${meant}?`,
      ]);
    });
  }

  it('are not what is set correctly, is something else, or stands beside the right one', () => {
    const environment = { PORT: '1', PATH: '/bin', HOME: '/', POD_IP: '10.0.0.1', POD_ID: 'pod-1', API_KEY: undefined };
    expect(misspeltSettings(environment, settings)).to.be.empty;
  });
});
