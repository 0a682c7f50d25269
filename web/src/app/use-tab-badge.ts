import { useEffect } from 'react';
import { badgeText } from '@/components/ui';
import { messages } from '@/lib/messages';
import { useTotalUnread } from '@/lib/unread';

/** The tab's icon with the number of unread messages in a red dot; the plain one at zero. */
export function faviconFor(unread: number): string {
  if (unread <= 0) return '/favicon.svg';
  const text = badgeText(unread);
  const width = 10 + text.length * 6;
  const left = 32 - width;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#4a48d4"/>` +
    `<path d="M9 8.5h14a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-6.2l-5 4.1c-.5.4-1.3.1-1.3-.6v-3.5H9a3 3 0 0 1-3-3v-7a3 3 0 0 1 3-3Z" fill="#fff"/>` +
    `<rect x="${left}" y="15" width="${width}" height="17" rx="8.5" fill="#d1242f"/>` +
    `<text x="${left + width / 2}" y="28" text-anchor="middle" font-family="system-ui,sans-serif" font-size="12.5" font-weight="700" fill="#fff">${text}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Keeps "(3) ChatApp", the tab's icon and the installed app's badge equal to the unread total. */
export function useTabBadge(): void {
  const unread = useTotalUnread();
  useEffect(() => {
    document.title = messages.app.title(unread);
    document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.setAttribute('href', faviconFor(unread));
    // Installed apps only, and not in every browser; a refusal changes nothing.
    if ('setAppBadge' in navigator) navigator.setAppBadge(unread).catch(() => undefined);
  }, [unread]);
  useEffect(
    () => () => {
      document.title = messages.app.name;
      document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.setAttribute('href', faviconFor(0));
    },
    [],
  );
}
