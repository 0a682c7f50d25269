import { describe, expect, it } from 'vitest';
import { linkify } from './linkify';

const links = (text: string) =>
  linkify(text).flatMap((piece) => (piece.kind === 'link' ? [[piece.text, piece.href]] : []));

describe('links', () => {
  const cases: [string, string, string][] = [
    [
      'see https://example.org/a?b=1&c=2#d.',
      'https://example.org/a?b=1&c=2#d',
      'https://example.org/a?b=1&c=2#d',
    ],
    ['(http://example.org)', 'http://example.org', 'http://example.org/'],
    [
      'https://en.wikipedia.org/wiki/Go_(game), yes',
      'https://en.wikipedia.org/wiki/Go_(game)',
      'https://en.wikipedia.org/wiki/Go_(game)',
    ],
    ['go to www.example.com!', 'www.example.com', 'https://www.example.com/'],
    ['write me@example.org, please', 'me@example.org', 'mailto:me@example.org'],
    ['mailto:me@example.org', 'mailto:me@example.org', 'mailto:me@example.org'],
    ['HTTPS://EXAMPLE.ORG', 'HTTPS://EXAMPLE.ORG', 'https://example.org/'],
    ['“https://example.org/x”', 'https://example.org/x', 'https://example.org/x'],
    ['**https://example.org/x**', 'https://example.org/x', 'https://example.org/x'],
  ];
  it.each(cases)('%s', (text, shown, href) => {
    expect(links(text)).toEqual([[shown, href]]);
  });
});

const harmless = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'javascript://example.org/%0aalert(1)',
  'javascript:https://example.org',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'file:///etc/passwd',
  'ftp://example.org',
  'blob:https://example.org/x',
  'https://user:secret@example.org',
  'https://trusted.example@evil.example/',
  'https://',
  'http://:80',
  'www.',
  'just text. And more, with a@b',
];
it.each(harmless)('%s is no link with a dangerous target', (text) => {
  for (const [, href] of links(text)) expect(href).toMatch(/^mailto:[^@]+@[^@]+$|^https?:\/\/[^@]+$/);
});

it('never loses or changes a character', () => {
  const texts = [
    ...harmless,
    'a https://x.y/ b www.z.de c d@e.fg h',
    '<b>https://example.org</b>',
    '\u202ehttps://example.org',
    '🎉https://example.org🎉',
    '',
    '\n\n',
  ];
  for (const text of texts) {
    expect(
      linkify(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text);
  }
});

it('stays fast on text made to be slow', () => {
  const begin = performance.now();
  for (const text of [
    'a@'.repeat(4_000),
    'a.'.repeat(4_000),
    'https://'.repeat(1_000),
    `${'a'.repeat(7_999)}@`,
    ')'.repeat(8_000),
    `https://x/${')'.repeat(7_900)}`,
  ])
    linkify(text);
  expect(performance.now() - begin).toBeLessThan(1_000);
});
