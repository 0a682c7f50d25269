import { useCallback } from 'react';
import { create } from 'zustand';

/*
 * Unsent texts, one per conversation. Kept in localStorage per person: it is written before the
 * page can go away, and other tabs hear of it.
 */

type Drafts = Record<string, string>;

const PREFIX = 'chatapp.drafts.';
const store = create<{ userId: string | undefined; drafts: Drafts }>(() => ({
  userId: undefined,
  drafts: {},
}));

let timer: ReturnType<typeof setTimeout> | undefined;

function read(userId: string): Drafts {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(PREFIX + userId) ?? '{}');
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter(([, text]) => typeof text === 'string' && text !== ''),
    );
  } catch {
    return {};
  }
}

function write(): void {
  clearTimeout(timer);
  timer = undefined;
  const { userId, drafts } = store.getState();
  if (!userId) return;
  try {
    if (Object.keys(drafts).length === 0) localStorage.removeItem(PREFIX + userId);
    else localStorage.setItem(PREFIX + userId, JSON.stringify(drafts));
  } catch {
    // Storage is full or forbidden: the draft lives as long as the page.
  }
}

if (typeof window !== 'undefined') {
  window.addEventListener('pagehide', () => timer && write());
  document.addEventListener(
    'visibilitychange',
    () => timer && document.visibilityState === 'hidden' && write(),
  );
  window.addEventListener('storage', (event) => {
    const { userId } = store.getState();
    if (userId && event.key === PREFIX + userId) store.setState({ drafts: read(userId) });
  });
}

/** Loads the drafts of the person who signed in. */
export function openDrafts(userId: string): void {
  store.setState({ userId, drafts: read(userId) });
}

/** `erase`: the person signed out, no draft of anybody stays on this device. */
export function closeDrafts(erase: boolean): void {
  if (timer) write();
  store.setState({ userId: undefined, drafts: {} });
  if (!erase) return;
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  }
}

/** The draft now, for code outside components. */
export function draftNow(conversationId: string): string {
  return store.getState().drafts[conversationId] ?? '';
}

export function setDraft(conversationId: string, text: string): void {
  store.setState(({ drafts }) => {
    const { [conversationId]: _, ...rest } = drafts;
    return { drafts: text === '' ? rest : { ...rest, [conversationId]: text } };
  });
  timer ??= setTimeout(write, 250);
}

/** The unsent text of one conversation and its setter. Survives reload and switching. */
export function useDraft(conversationId: string): [string, (text: string) => void] {
  const text = store(({ drafts }) => drafts[conversationId] ?? '');
  const set = useCallback((next: string) => setDraft(conversationId, next), [conversationId]);
  return [text, set];
}

/** All drafts by conversation, for the previews of the list. */
export function useDrafts(): Record<string, string> {
  return store(({ drafts }) => drafts);
}
