/** The parts of the page that F6 moves between, in reading order. */
const regions = ['list', 'timeline', 'composer'];

// Where the focus goes inside a region, best first.
const focusable = 'textarea:not(:disabled), a[href][tabindex="0"], [tabindex="0"], button:not(:disabled)';

function regionOf(element: Element | null): string | undefined {
  return element?.closest<HTMLElement>('[data-region]')?.dataset.region;
}

function enter(name: string): boolean {
  const region = document.querySelector<HTMLElement>(`[data-region="${name}"]`);
  if (!region?.checkVisibility({ visibilityProperty: true })) return false;
  const current = region.querySelector<HTMLElement>('[aria-current="page"]');
  const target =
    current ??
    (region.matches('[tabindex]') ? region : region.querySelector<HTMLElement>(focusable)) ??
    region;
  target.focus();
  return document.activeElement === target;
}

/** Moves the focus to the next region that is on screen, or the previous one. */
export function nextRegion(by: 1 | -1): void {
  const at = regions.indexOf(regionOf(document.activeElement) ?? '');
  const start = at < 0 && by < 0 ? regions.length : at;
  for (let step = 1; step <= regions.length; step++) {
    const next = regions[(start + by * step + regions.length * 2) % regions.length];
    if (next && enter(next)) return;
  }
}

/** Puts the caret into the message box, if a conversation is open. */
export function focusComposer(): void {
  document.querySelector<HTMLElement>('[data-region="composer"] textarea')?.focus();
}
