import { useEffect } from 'react';

/**
 * Stands in for the package react-style-singleton, which react-remove-scroll
 * (inside Radix) uses to inject a <style> element. Our content security policy
 * has no 'unsafe-inline', so the same rules go into a constructed style sheet.
 */
export function stylesheetSingleton() {
  let users = 0;
  let sheet: CSSStyleSheet | null = null;
  return {
    add(styles: string) {
      users += 1;
      if (sheet) return;
      sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    },
    remove() {
      users -= 1;
      if (users > 0 || !sheet) return;
      const gone = sheet;
      sheet = null;
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((s) => s !== gone);
    },
  };
}

/** A hook over one shared style sheet: present while any user of it is mounted. */
export function styleHookSingleton() {
  const shared = stylesheetSingleton();
  return (styles: string) => {
    // biome-ignore lint/correctness/useExhaustiveDependencies: the first styles win, as in the original.
    useEffect(() => {
      shared.add(styles);
      return () => shared.remove();
    }, []);
  };
}

/** The component form; `dynamic` of the original is not supported. */
export function styleSingleton() {
  const useStyle = styleHookSingleton();
  return function Sheet({ styles }: { styles: string; dynamic?: boolean }) {
    useStyle(styles);
    return null;
  };
}
