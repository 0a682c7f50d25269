import { expect, it } from 'vitest';
import { type Merged, mergedPage, type Source, type Tail } from './merged';

interface Item {
  id: string;
  at: string;
}

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

/** A list that is read in pages of `size`, its cursor the id of the last item. */
function list(name: string, seconds: readonly number[], size: number) {
  const items = [...seconds]
    .sort((a, b) => b - a)
    .map((second, i) => ({ id: `${name}${i}`, at: at(second) }));
  const asked: (string | undefined)[] = [];
  const source: Source<Item> = async (cursor) => {
    asked.push(cursor);
    const from = cursor === undefined ? 0 : items.findIndex(({ id }) => id === cursor) + 1;
    const page = items.slice(from, from + size);
    const last = page.at(-1);
    return { items: page, next_cursor: from + size < items.length && last ? last.id : null };
  };
  return { items, source, asked };
}

async function all(sources: readonly Source<Item>[], size: number) {
  const pages: Merged<Item>[] = [];
  let tails: readonly Tail<Item>[] | undefined;
  do {
    const page = await mergedPage(sources, tails, size);
    pages.push(page);
    tails = page.tails;
  } while (pages.at(-1)?.more);
  return pages;
}

const numbers = (n: number, of: (i: number) => number) => Array.from({ length: n }, (_, i) => of(i));

it('merges in the order of time, whatever lies where, without a gap or a repetition', async () => {
  const shapes: Record<string, number[][]> = {
    'evenly mixed': [numbers(50, (i) => 3 * i), numbers(50, (i) => 3 * i + 1), numbers(50, (i) => 3 * i + 2)],
    'one behind the other': [numbers(45, (i) => i), numbers(45, (i) => 100 + i), numbers(45, (i) => 200 + i)],
    'one long, one short, one empty': [numbers(130, (i) => i), [5, 64, 129], []],
    'all at once': [numbers(30, () => 7), numbers(30, () => 7), numbers(30, () => 7)],
    nothing: [[], [], []],
  };
  for (const [shape, times] of Object.entries(shapes)) {
    for (const size of [1, 7, 20]) {
      const lists = times.map((seconds, i) => list('abc'.charAt(i), seconds, size));
      const pages = await all(
        lists.map(({ source }) => source),
        size,
      );
      const shown = pages.flatMap(({ items }) => items);
      const wanted = lists.flatMap(({ items }) => items).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
      expect(shown, `${shape}, by ${size}`).toEqual(wanted); // the sort is stable, as ours must be
      for (const page of pages.slice(0, -1)) expect(page.items.length, `${shape}, by ${size}`).toBe(size);
      for (const { asked } of lists) expect(new Set(asked).size, 'no page is read twice').toBe(asked.length);
    }
  }
});

it('compares times, not their texts', async () => {
  const source =
    (...items: Item[]): Source<Item> =>
    async () => ({ items, next_cursor: null });
  const [page] = await all(
    [source({ id: 'old', at: '2026-01-01T00:00:07Z' }), source({ id: 'new', at: '2026-01-01T00:00:07.25Z' })],
    20,
  );
  expect(page?.items.map(({ id }) => id)).toEqual(['new', 'old']);
});

it('leaves out a list that fails, says so, and keeps its place among the others', async () => {
  const one = list('a', [10, 8, 6, 4, 2], 2);
  const two = list('b', [9, 7, 5, 3, 1], 2);
  let tries = 0;
  const failing: Source<Item> = async (cursor) => {
    tries++;
    if (tries > 1) throw new Error('away');
    return two.source(cursor);
  };
  const pages = await all([one.source, failing], 2);
  expect(pages.map(({ incomplete }) => incomplete)).toEqual([false, true, true, true]);
  // b0 and b1 were read before it failed; b2 and what is behind it are missing.
  expect(pages.flatMap(({ items }) => items.map(({ id }) => id))).toEqual([
    'a0',
    'b0',
    'a1',
    'b1',
    'a2',
    'a3',
    'a4',
  ]);
  expect(tries, 'it is not asked again on later pages').toBe(2);
});

it('fails only when all lists do', async () => {
  const away: Source<Item> = async () => {
    throw new Error('away');
  };
  const page = await mergedPage([away, list('a', [1], 20).source], undefined, 20);
  expect(page.items).toHaveLength(1);
  expect(page).toMatchObject({ incomplete: true, more: false });
  await expect(mergedPage([away, away], undefined, 20)).rejects.toThrow('away');
});
