import { type RefObject, useEffect } from 'react';

/** Typing outside of every field goes to the message box: no need to click it first. */
export function useTypeAnywhere(box: RefObject<HTMLTextAreaElement | null>): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const { target } = event;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
        return;
      if (document.querySelector('[role=dialog], [role=menu], [role=alertdialog]')) return;
      if (target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable=true]'))
        return;
      // The space scrolls or presses, the question mark asks for help.
      if (event.key.length === 1 && event.key !== ' ' && event.key !== '?') box.current?.focus();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [box]);
}
