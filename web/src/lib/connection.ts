import { create } from 'zustand';
import type { SocketState } from './socket';

/*
 * What people may know of the connection. `since` is when it was last good (or when the page
 * started), and stays the same through connecting, offline and updating, so that "gone for 2 s"
 * is one subtraction.
 */

export type ConnectionState =
  /** Trying, or waiting a moment before the next try. */
  | 'connecting'
  /** The browser says that there is no network at all. */
  | 'offline'
  /** Connected; what was missed is being fetched. */
  | 'updating'
  | 'online';

interface Connection {
  state: ConnectionState;
  /** Date.now() of the change between good and not good. */
  since: number;
}

const store = create<Connection>(() => ({ state: 'connecting', since: Date.now() }));

let socketState: SocketState = 'stopped';
let fetching = 0;
let retry: () => void = () => undefined;

function derive(): ConnectionState {
  if (socketState === 'online') return fetching > 0 ? 'updating' : 'online';
  if (socketState === 'opening') return 'updating';
  return typeof navigator !== 'undefined' && navigator.onLine === false ? 'offline' : 'connecting';
}

function update(): void {
  const before = store.getState();
  const state = derive();
  if (state === before.state) return;
  const turned = (state === 'online') !== (before.state === 'online');
  store.setState({ state, since: turned ? Date.now() : before.since });
}

if (typeof window !== 'undefined') {
  window.addEventListener('online', update);
  window.addEventListener('offline', update);
}

export function reportSocket(state: SocketState): void {
  if (socketState === 'stopped') store.setState({ since: Date.now() });
  socketState = state;
  update();
}

/** Counts snapshots that are being fetched again; the state is `updating` meanwhile. */
export async function whileUpdating<T>(work: Promise<T>): Promise<T> {
  fetching++;
  update();
  try {
    return await work;
  } finally {
    fetching--;
    update();
  }
}

export function onRetryNow(action: () => void): void {
  retry = action;
}

export function connectionNow(): ConnectionState {
  return store.getState().state;
}

/** Calls back whenever the connection becomes good. */
export function onOnline(listener: () => void): () => void {
  return store.subscribe((now, before) => {
    if (now.state === 'online' && before.state !== 'online') listener();
  });
}

export interface ConnectionView extends Connection {
  /** Tries at once instead of waiting for the next try. */
  retryNow: () => void;
}

export function useConnection(): ConnectionView {
  const { state, since } = store();
  return { state, since, retryNow };
}

function retryNow(): void {
  retry();
}
