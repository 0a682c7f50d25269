import { create } from 'zustand';

/** How long "typing…" stays without a new signal. */
const SHOWN_MS = 6_000;
/** We tell at most this often that we are typing. */
const TELL_MS = 3_000;

const store = create<{ until: Record<string, number> }>(() => ({ until: {} }));
const timers = new Map<string, ReturnType<typeof setTimeout>>();

/** The other person types, as the server has just told. */
export function peerTypes(conversationId: string): void {
  clearTimeout(timers.get(conversationId));
  timers.set(
    conversationId,
    setTimeout(() => peerStopped(conversationId), SHOWN_MS),
  );
  store.setState(({ until }) => ({ until: { ...until, [conversationId]: Date.now() + SHOWN_MS } }));
}

/** Their message is here, or the time is over. */
export function peerStopped(conversationId: string): void {
  clearTimeout(timers.get(conversationId));
  timers.delete(conversationId);
  store.setState(({ until }) => {
    if (!(conversationId in until)) return {};
    const { [conversationId]: _, ...rest } = until;
    return { until: rest };
  });
}

/** Whether the other person is typing in this conversation, for at most 6 s after the last sign. */
export function useTyping(conversationId: string): boolean {
  return store(({ until }) => conversationId in until);
}

let send: (conversationId: string) => void = () => undefined;
const told = new Map<string, number>();

/** Where our own typing goes; set once by the socket. */
export function onTyping(action: (conversationId: string) => void): void {
  send = action;
}

/** Tells the other person that we are typing, at most every 3 s. Call it at every change of the text. */
export function tellTyping(conversationId: string, now = Date.now()): void {
  if (now - (told.get(conversationId) ?? Number.NEGATIVE_INFINITY) < TELL_MS) return;
  told.set(conversationId, now);
  send(conversationId);
}

/** After sending, the next keystroke may tell at once. */
export function stoppedTyping(conversationId: string): void {
  told.delete(conversationId);
}
