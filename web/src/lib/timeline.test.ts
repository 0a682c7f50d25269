import { describe, expect, it } from 'vitest';
import { message, randomOf, shuffled } from './testing';
import { addLive, appendPage, endSeq, fromPage, prependPage, startSeq, type Timeline } from './timeline';

const history = Array.from({ length: 100 }, (_, i) => message(i + 1));

/** The answer of the server for a range. */
function page(range: { before?: number; after?: number; limit?: number } = {}) {
  const limit = range.limit ?? 15;
  const from = range.after ?? Math.max(0, (range.before ?? history.length + 1) - 1 - limit);
  const to =
    range.after === undefined
      ? (range.before ?? history.length + 1) - 1
      : Math.min(history.length, from + limit);
  return { items: history.slice(from, to), has_older: from > 0, has_newer: to < history.length };
}

const seqs = (timeline: Timeline) => timeline.messages.map((one) => one.seq);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('pages', () => {
  it('go back to the very first message', () => {
    let timeline = fromPage(page());
    expect(seqs(timeline)).toEqual(range(86, 100));
    let asked = 0;
    while (timeline.hasOlder && asked++ < 20)
      timeline = prependPage(timeline, page({ before: startSeq(timeline) }));
    expect(seqs(timeline)).toEqual(range(1, 100));
    expect(timeline).toMatchObject({ hasOlder: false, hasNewer: false });
  });

  it('go forward from the middle to the live end', () => {
    let timeline = fromPage(page({ after: 40 }));
    expect(timeline).toMatchObject({ hasOlder: true, hasNewer: true });
    while (timeline.hasNewer) timeline = appendPage(timeline, page({ after: endSeq(timeline) }));
    expect(seqs(timeline)).toEqual(range(41, 100));
  });

  it('that came twice, or too late, change nothing', () => {
    const timeline = fromPage(page());
    const older = page({ before: startSeq(timeline) });
    const twice = prependPage(prependPage(timeline, older), older);
    expect(seqs(twice)).toEqual(range(71, 100));
    expect(seqs(prependPage(twice, page({ before: 40 })))).toEqual(range(71, 100));
    expect(seqs(appendPage(fromPage(page({ after: 10 })), page({ after: 60 })))).toEqual(range(11, 25));
  });
});

describe('live messages', () => {
  it('are appended, known, too early, or a hole', () => {
    const timeline = fromPage({ items: history.slice(0, 5), has_older: false, has_newer: false });
    expect(addLive(timeline, message(6)).outcome).toBe('added');
    expect(addLive(timeline, message(5)).outcome).toBe('known');
    expect(addLive(timeline, message(7)).outcome).toBe('hole');
    expect(addLive({ ...timeline, hasNewer: true }, message(6)).outcome).toBe('later');
    const empty = fromPage({ items: [], has_older: false, has_newer: false });
    expect(addLive(empty, message(1)).outcome).toBe('added');
    expect(addLive(empty, message(2)).outcome).toBe('hole');
  });
});

it('is contiguous after any mix of pages and live messages (500 seeds)', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const random = randomOf(seed);
    let timeline = fromPage(page({ after: Math.floor(random() * 90), limit: 5 }));
    for (const live of shuffled(history.slice(80), random)) {
      const pick = random();
      if (pick < 0.2) timeline = prependPage(timeline, page({ before: startSeq(timeline), limit: 7 }));
      else if (pick < 0.4) timeline = appendPage(timeline, page({ after: endSeq(timeline), limit: 7 }));
      else timeline = addLive(timeline, live).timeline;
      const got = seqs(timeline);
      expect(got, `seed ${seed}`).toEqual(range(startSeq(timeline), endSeq(timeline)));
    }
  }
});
