import { useState } from 'react';

/** The secret of a link in a mail. It leaves the address bar at once, so that it is in no history. */
export function useLinkToken(): string {
  const [token] = useState(() => {
    const found = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
    if (found) history.replaceState(history.state, '', location.pathname);
    return found;
  });
  return token;
}
