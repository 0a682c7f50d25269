import { useEffect } from 'react';

const phone = '(width < 720px)';

function onTop(): boolean {
  const state: unknown = history.state;
  return typeof state === 'object' && state !== null && 'overlay' in state;
}

/** How to go to a new address from an overlay: in the place of the overlay's own history entry. */
export function leavingOverlay(): { replace: boolean } {
  return { replace: onTop() };
}

/**
 * On phones an overlay fills the screen like a page, so the back button and gesture close it like one:
 * it has a history entry of its own while it is open.
 */
export function useBackCloses(open: boolean, close: () => void): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: `close` may change while it is open.
  useEffect(() => {
    if (!open || !matchMedia(phone).matches) return;
    history.pushState({ ...history.state, overlay: true }, '');
    const onPop = () => close();
    window.addEventListener('popstate', onPop);
    return () => {
      window.removeEventListener('popstate', onPop);
      // Closed by its own button: the entry goes too.
      if (onTop()) history.back();
    };
  }, [open]);
}
