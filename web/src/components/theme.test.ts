import { beforeEach, describe, expect, it } from 'vitest';
import { setTheme, startTheme } from './theme';

const metas = () =>
  Object.fromEntries(
    [...document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')].map((meta) => [
      meta.content,
      meta.getAttribute('media'),
    ]),
  );

beforeEach(() => {
  localStorage.clear();
  delete document.documentElement.dataset.theme;
  document.head.innerHTML =
    '<meta name="theme-color" content="#fff" media="(prefers-color-scheme: light)">' +
    '<meta name="theme-color" content="#000" media="(prefers-color-scheme: dark)">';
});

describe('theme', () => {
  it('a chosen theme wins over the system, for the page and the bars of the browser', () => {
    setTheme('dark');
    expect(document.documentElement.dataset.theme).toBe('dark');
    expect(localStorage.getItem('chatapp.theme')).toBe('dark');
    expect(metas()).toEqual({ '#fff': 'not all', '#000': 'all' });
  });

  it('auto leaves nothing behind', () => {
    setTheme('light');
    setTheme('auto');
    expect(document.documentElement.dataset.theme).toBeUndefined();
    expect(localStorage.getItem('chatapp.theme')).toBeNull();
    expect(metas()).toEqual({
      '#fff': '(prefers-color-scheme: light)',
      '#000': '(prefers-color-scheme: dark)',
    });
  });

  it('follows the other tabs', () => {
    startTheme();
    window.dispatchEvent(new StorageEvent('storage', { key: 'chatapp.theme', newValue: 'dark' }));
    expect(document.documentElement.dataset.theme).toBe('dark');
    window.dispatchEvent(new StorageEvent('storage', { key: 'chatapp.theme', newValue: 'nonsense' }));
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });
});
