const TAGS = [
  'ar',
  'bg',
  'bn',
  'ca',
  'cs',
  'da',
  'de',
  'el',
  'en',
  'en-GB',
  'en-US',
  'es',
  'et',
  'fa',
  'fi',
  'fr',
  'he',
  'hi',
  'hr',
  'hu',
  'id',
  'it',
  'ja',
  'ko',
  'lt',
  'lv',
  'ms',
  'nb',
  'nl',
  'pl',
  'pt',
  'pt-BR',
  'ro',
  'ru',
  'sk',
  'sl',
  'sr',
  'sv',
  'sw',
  'ta',
  'th',
  'tr',
  'uk',
  'ur',
  'vi',
  'zh-Hans',
  'zh-Hant',
];

type Options = [value: string, text: string][];

/** Languages by the name that their speakers use. */
export function languages(): Options {
  return TAGS.map((tag): [string, string] => [tag, nameOf(tag)]).sort((a, b) => a[1].localeCompare(b[1]));
}

function nameOf(tag: string): string {
  try {
    return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** The time zones that the browser knows; its own where it tells no list. */
export function timeZones(): Options {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = 'supportedValuesOf' in Intl ? Intl.supportedValuesOf('timeZone') : [own];
  return [...new Set(['UTC', ...all])].map((zone) => [zone, zone.replaceAll('_', ' ')]);
}
