import { useEffect, useSyncExternalStore } from 'react';
import { api, call, type User } from './api';

/*
 * Where the pictures of people are. Rows ask for one person each; what is asked within a moment
 * goes to the server as one request. What is older than FRESH_MS is asked again when somebody looks:
 * the hint that there is a new one may get lost.
 */

const FRESH_MS = 60_000;
const GATHER_MS = 30;
const MOST = 100;

export type Picture = NonNullable<User['picture']>;

interface Known {
  picture: Picture | undefined;
  at: number;
}

/** Fetches people by id; those who do not exist are absent from the answer. */
type Fetch = (ids: string[]) => Promise<User[]>;

const fetchPeople: Fetch = async (ids) =>
  (await call(api.GET('/api/v1/users', { params: { query: { ids } } }))).items;

export class Pictures {
  private readonly known = new Map<string, Known>();
  private readonly wanted = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly fetch: Fetch = fetchPeople) {}

  get(id: string): Picture | undefined {
    return this.known.get(id)?.picture;
  }

  put(id: string, picture: Picture | undefined): void {
    this.known.set(id, { picture, at: Date.now() });
    tell();
  }

  /** There may be a new one: asks, if it was ever asked for; the old one is shown until then. */
  old(id: string): void {
    const known = this.known.get(id);
    if (!known) return;
    known.at = 0;
    this.want(id);
  }

  want(id: string): void {
    if (Date.now() - (this.known.get(id)?.at ?? 0) < FRESH_MS) return;
    this.wanted.add(id);
    this.timer ??= setTimeout(() => void this.load(), GATHER_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async load(): Promise<void> {
    const ids = [...this.wanted].slice(0, MOST);
    for (const id of ids) this.wanted.delete(id);
    this.timer = this.wanted.size > 0 ? setTimeout(() => void this.load(), GATHER_MS) : undefined;
    try {
      const people = new Map((await this.fetch(ids)).map((one) => [one.id, one.picture]));
      for (const id of ids) this.known.set(id, { picture: people.get(id), at: Date.now() });
      tell();
    } catch {
      // Initials do as well; whoever looks again asks again.
    }
  }
}

let current: Pictures | undefined;
const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Set while somebody is signed in. */
export function setPictures(pictures: Pictures | undefined): void {
  current = pictures;
  tell();
}

/** A person's own picture has changed on this device. */
export function pictureChanged(id: string, picture: Picture | undefined): void {
  current?.put(id, picture);
}

/** Somebody may have another picture. */
export function pictureIsOld(id: string): void {
  current?.old(id);
}

/** A person's picture, undefined while it is not known and where there is none. */
export function usePicture(id: string): Picture | undefined {
  useEffect(() => current?.want(id), [id]);
  return useSyncExternalStore(subscribe, () => current?.get(id));
}
