import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { settings } from '../../server/config-settings.ts';
import { configurationTable, TABLE_END, TABLE_START } from '../../server/config-table.ts';

/** Formatters align the columns of a table; only its words count. */
const words = (table: string | undefined) => table?.replaceAll(/-{3,}/g, '---').replaceAll(/ +/g, ' ');

describe('the table of settings', () => {
  it('has a row of four cells for each setting', () => {
    const rows = configurationTable().split('\n').slice(2);
    expect(rows).to.have.lengthOf(Object.keys(settings).length);
    for (const row of rows) expect(row.split('|'), row).to.have.lengthOf(6);
  });

  it('is what the README shows', async () => {
    const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const between = readme.split(TABLE_START)[1]?.split(TABLE_END)[0]?.trim();
    expect(words(between), 'put the output of configurationTable() between the markers').to.equal(
      words(configurationTable()),
    );
  });
});
