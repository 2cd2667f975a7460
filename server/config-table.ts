/** The README's table of settings, made from the settings themselves. */
import { settings } from './config-settings.ts';
import type { Setting } from './config-settings.ts';

/** Between these lines the README carries the table; a test compares them. */
export const TABLE_START = '<!-- configuration -->';
export const TABLE_END = '<!-- /configuration -->';

/** One Markdown row for each setting: name, default, what is accepted, meaning. */
export const configurationTable = (): string => {
  const rows = Object.entries<Setting>(settings).map(
    ([name, { fallback, defaultInWords, allowed, meaning, secret }]) => {
      const standard = defaultInWords ?? (fallback === undefined ? 'off' : `\`${fallback}\``);
      return `| \`${name}\` | ${standard} | ${allowed} | ${meaning}${secret ? ' Never printed.' : ''} |`;
    },
  );
  return ['| Setting | Default | Accepts | Meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
};
