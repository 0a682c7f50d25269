import { useSyncExternalStore } from 'react';

/** `auto` follows the system. public/theme.js applies the same key before the first paint. */
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'chatapp.theme';
const listeners = new Set<() => void>();

function read(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'auto';
}

function apply(theme: Theme): void {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    // The two tags ask for the system's theme; a chosen theme must win over both.
    meta.dataset.system ??= meta.getAttribute('media') ?? '';
    const own = meta.dataset.system.includes('dark') ? 'dark' : 'light';
    const media = theme === 'auto' ? meta.dataset.system : theme === own ? 'all' : 'not all';
    meta.setAttribute('media', media);
  }
  for (const listener of listeners) listener();
}

/** Chooses the theme for this browser, in all its tabs. */
export function setTheme(theme: Theme): void {
  try {
    if (theme === 'auto') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage can be switched off: the choice then lasts as long as the page.
  }
  apply(theme);
}

/** The chosen theme. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, read);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Takes over what other tabs choose. Call once, at start. */
export function startTheme(): void {
  apply(read());
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === KEY) apply(newValue === 'light' || newValue === 'dark' ? newValue : 'auto');
  });
}
