/*
 * One list out of several that are each newest first and read in pages by a cursor. Nothing is skipped and nothing
 * comes twice, however the lists lie in time: a page takes an item only when every list that has more could have
 * given an older one instead.
 */

export interface Timed {
  at: string;
}

/** One page of one of the lists. */
export interface Slice<T> {
  items: readonly T[];
  next_cursor: string | null;
}

/** Reads the page behind a cursor, the first one without. */
export type Source<T> = (cursor: string | undefined) => Promise<Slice<T>>;

/** Where one of the lists stands: what was read of it and not shown yet, and how it goes on. */
export interface Tail<T> {
  rest: readonly T[];
  cursor: string | undefined;
  state: 'more' | 'end' | 'failed';
}

export interface Merged<T> {
  items: readonly T[];
  tails: readonly Tail<T>[];
  /** There are more pages. */
  more: boolean;
  /** One of the lists could not be read to here; what it had is missing from then on. */
  incomplete: boolean;
}

/**
 * Reads the page of at most `size` items behind tails, the first one without. A list that fails is left out from then
 * on; only when all do it throws.
 */
export async function mergedPage<T extends Timed>(
  sources: readonly Source<T>[],
  tails: readonly Tail<T>[] | undefined,
  size: number,
): Promise<Merged<T>> {
  const failures: unknown[] = [];
  const next = await Promise.all(
    sources.map((source, i) =>
      fill(source, tails?.[i] ?? { rest: [], cursor: undefined, state: 'more' }, size, (error) =>
        failures.push(error),
      ),
    ),
  );
  if (failures.length === sources.length) throw failures[0];
  const items: T[] = [];
  for (let from = newest(next); items.length < size && from; from = newest(next)) {
    const [head, ...rest] = from.rest;
    if (head === undefined) break;
    items.push(head);
    from.rest = rest;
  }
  return {
    items,
    tails: next,
    more: next.some(({ rest, state }) => rest.length > 0 || state === 'more'),
    incomplete: next.some(({ state }) => state === 'failed'),
  };
}

/** Reads on until there is enough for a page. */
async function fill<T>(
  source: Source<T>,
  from: Tail<T>,
  size: number,
  failed: (error: unknown) => void,
): Promise<Tail<T>> {
  let { rest, cursor, state } = from;
  while (state === 'more' && rest.length < size) {
    try {
      const page = await source(cursor);
      rest = [...rest, ...page.items];
      cursor = page.next_cursor ?? undefined;
      state = cursor === undefined ? 'end' : 'more';
    } catch (error) {
      state = 'failed';
      failed(error);
    }
  }
  return { rest, cursor, state };
}

/** The list whose next item is the newest; of several at the same time the first. */
function newest<T extends Timed>(tails: readonly Tail<T>[]): Tail<T> | undefined {
  let best: Tail<T> | undefined;
  let time = Number.NEGATIVE_INFINITY;
  for (const tail of tails) {
    const head = tail.rest[0];
    // As texts they do not compare: zeros at the end of a fraction are left out.
    if (head && Date.parse(head.at) > time) {
      best = tail;
      time = Date.parse(head.at);
    }
  }
  return best;
}
