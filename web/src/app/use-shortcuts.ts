import { useEffect, useRef } from 'react';
import { focusComposer, nextRegion } from './regions';

export type Actions = {
  search: () => void;
  help: () => void;
  step: (by: 1 | -1) => void;
};

/** What a key press means here. Undefined: it is none of ours. */
export function commandOf(event: KeyboardEvent, typing: boolean, dialog: boolean): string | undefined {
  const mod = event.ctrlKey || event.metaKey;
  if (event.isComposing || event.defaultPrevented) return undefined;
  if (mod && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') return 'search';
  // An open dialog or menu has its own keys.
  if (dialog) return undefined;
  if (event.altKey && !mod && !event.shiftKey && event.key === 'ArrowDown') return 'next';
  if (event.altKey && !mod && !event.shiftKey && event.key === 'ArrowUp') return 'previous';
  if (event.key === 'F6' && !mod && !event.altKey) return event.shiftKey ? 'region-back' : 'region';
  if (event.key === 'Escape' && !mod && !event.altKey && !event.shiftKey) return 'composer';
  if (event.key === '/' && mod) return 'help';
  if (event.key === '?' && !typing && !mod) return 'help';
  return undefined;
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** The keys that work everywhere while somebody is signed in. */
export function useShortcuts(actions: Actions): void {
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    const run: Record<string, () => void> = {
      search: () => latest.current.search(),
      help: () => latest.current.help(),
      next: () => latest.current.step(1),
      previous: () => latest.current.step(-1),
      region: () => nextRegion(1),
      'region-back': () => nextRegion(-1),
      composer: focusComposer,
    };
    const onKeyDown = (event: KeyboardEvent) => {
      const dialog = document.querySelector('[role="dialog"], [role="menu"]') !== null;
      const command = commandOf(event, isField(event.target), dialog);
      if (!command) return;
      event.preventDefault();
      run[command]?.();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}
