import { describe, expect, it } from 'vitest';
import { faviconFor } from './use-tab-badge';

const textIn = (url: string) => />(\d+\+?)<\/text>/.exec(decodeURIComponent(url))?.[1];

describe('faviconFor', () => {
  it('is the plain icon without unread messages', () => expect(faviconFor(0)).toBe('/favicon.svg'));
  it.each([
    [1, '1'],
    [42, '42'],
    [1234, '99+'],
  ])('%d shows %s', (unread, text) => expect(textIn(faviconFor(unread))).toBe(text));
  it('is well-formed', () => {
    const svg = decodeURIComponent(faviconFor(7).slice('data:image/svg+xml,'.length));
    expect(new DOMParser().parseFromString(svg, 'image/svg+xml').querySelector('parsererror')).toBeNull();
  });
});
