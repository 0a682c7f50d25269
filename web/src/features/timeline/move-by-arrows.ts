import type { KeyboardEvent } from 'react';

/** Up and down move from message to message. */
export function moveByArrows(event: KeyboardEvent<HTMLDivElement>): void {
  if (
    (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') ||
    event.altKey ||
    event.ctrlKey ||
    event.metaKey
  )
    return;
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]:has([data-message])')];
  const now = all.findIndex((row) => row.contains(document.activeElement));
  const next = now < 0 ? all.at(-1) : all[now + (event.key === 'ArrowUp' ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}
