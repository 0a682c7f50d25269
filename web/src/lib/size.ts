const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A number of bytes as people say it: "3.4 MB". A `locale` is given only by tests. */
export function formatSize(bytes: number, locale?: string): string {
  let n = bytes;
  let unit = 0;
  for (; n >= 999.5 && unit < units.length - 1; unit++) n /= 1000;
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[unit],
    unitDisplay: unit === 0 ? 'long' : 'short',
    maximumFractionDigits: n < 10 && unit > 0 ? 1 : 0,
  }).format(n);
}

/** A count with the separators of the person's language. */
export function formatCount(n: number, locale?: string): string {
  return new Intl.NumberFormat(locale).format(n);
}
