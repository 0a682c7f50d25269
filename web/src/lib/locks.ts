/**
 * Runs `work` while holding a lock shared by all tabs of this origin. Browsers offer Web Locks
 * only on https and localhost; elsewhere the work of this tab is still done one at a time, and
 * the server stays correct without us (rotation race window, client_id).
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (typeof navigator !== 'undefined' && navigator.locks) {
    return (await navigator.locks.request(`chatapp:${name}`, work)) as T;
  }
  const before = local.get(name) ?? Promise.resolve();
  const mine = before.then(work, work);
  local.set(
    name,
    mine.catch(() => undefined),
  );
  return mine;
}

const local = new Map<string, Promise<unknown>>();

/** A channel to the other tabs; silently nothing where the browser has none. */
export function openChannel<T>(name: string, receive: (message: T) => void): (message: T) => void {
  if (typeof BroadcastChannel === 'undefined') return () => undefined;
  const channel = new BroadcastChannel(`chatapp:${name}`);
  channel.onmessage = (event: MessageEvent<T>) => receive(event.data);
  return (message) => channel.postMessage(message);
}
