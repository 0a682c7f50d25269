import type { Locator } from '@playwright/test';
import { expect, test } from '../fixtures.js';
import type { Message } from '../person.js';

test('a conversation opens with its latest 15, oldest to newest, and scrolls back to the first', async ({
  person,
}) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  const total = 62;
  let last = { conversation_id: '', seq: 0 };
  for (let i = 1; i <= total; i += 1)
    last = await (i % 3 ? alice.post(bob, `line ${i}`) : bob.post(alice, `line ${i}`));
  await bob.read(last.conversation_id, last.seq);

  const firstPage = bob.page.waitForResponse(`**/conversations/${last.conversation_id}/messages*`);
  await bob.open();
  await bob.row(alice).click();
  const page = (await (await firstPage).json()) as { items: Message[]; has_older: boolean };
  expect(page.items.map((m) => m.body)).toEqual(
    Array.from({ length: 15 }, (_, i) => `line ${total - 14 + i}`),
  );
  await expect(bob.bubble(`line ${total}`)).toBeInViewport();
  const shown = await numbers(bob.bubbles.allInnerTexts());
  expect(shown).toEqual([...shown].sort((a, b) => a - b));
  expect(shown.at(-1)).toBe(total);

  // Back to the very first message; what was on screen stays where it was.
  await bob.timeline.hover();
  await expect(async () => {
    await bob.page.mouse.wheel(0, -600);
    await expect(bob.page.getByText(/^Beginning of your conversation/)).toBeInViewport({ timeout: 200 });
  }).toPass();
  await expect(bob.bubble('line 1')).toBeInViewport();
  const oldest = await numbers(bob.bubbles.allInnerTexts());
  expect(oldest).toEqual(Array.from({ length: oldest.length }, (_, i) => i + 1));

  // A new message does not pull a reader away from where they are.
  await alice.post(bob, 'news');
  const jump = bob.page.getByRole('button', { name: /^Jump to latest/ });
  await expect(jump).toBeVisible();
  await expect(bob.bubble('line 1')).toBeInViewport();
  await jump.click();
  await expect(bob.bubble('news')).toBeInViewport();
});

test('a conversation opens at its end, whatever its messages measure', async ({ person }) => {
  const phone = { viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' as const };
  const [ada, grace] = [await person('Ada Lovelace', phone), await person('Grace Hopper')];
  const talk = [
    'Found the bug.',
    'It was an actual moth. Taped it into the logbook.',
    '15:45, Relay #70, Panel F. First actual case of a bug being found: https://americanhistory.si.edu/collections/nmah_334663',
  ];
  for (const text of talk) await grace.post(ada, text);
  for (const text of ['You are joking', '🦋', 'Then I will keep a net at hand. Does the compiler run?'])
    await ada.post(grace, text);
  await grace.post(ada, 'It does. Nobody believes me: they say computers can only do arithmetic.');
  const last = await ada.post(grace, 'They said that to me too. Weave it in and let them see.');
  await ada.open(`/c/${last.conversation_id}`);
  await expect(ada.bubble(last.body)).toBeInViewport({ ratio: 1 });
});

test('a conversation opens at the first unread message', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  let last = { conversation_id: '', seq: 0 };
  for (let i = 1; i <= 30; i += 1) last = await alice.post(bob, `line ${i}`);
  await bob.read(last.conversation_id, last.seq);
  for (let i = 31; i <= 80; i += 1) await alice.post(bob, `line ${i}`);
  await bob.open();
  await bob.row(alice).click();
  await expect(bob.bubble('line 31')).toBeInViewport();
  await expect(bob.page.getByText('New messages', { exact: true })).toBeInViewport();
  await expect(bob.bubble('line 80')).not.toBeInViewport();
  await bob.page.getByRole('button', { name: /^Jump to latest/ }).click();
  await expect(bob.bubble('line 80')).toBeInViewport();
  await expect(bob.row(alice)).not.toContainText('unread');
});

test('older messages come without moving what is being read', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  let last = { conversation_id: '', seq: 0 };
  for (let i = 1; i <= 80; i += 1)
    last = await alice.post(bob, `line ${i}${i % 7 ? '' : ' is a longer one '.repeat(12)}`);
  await bob.read(last.conversation_id, last.seq);
  await bob.open();
  await bob.row(alice).click();
  await expect(bob.bubble('line 80')).toBeInViewport();
  // Hold the next page back until we have scrolled to the top and measured.
  let release = () => {};
  const held = new Promise<void>((done) => {
    release = done;
  });
  let asked = false;
  await bob.page.route('**/messages?*before=*', async (route) => {
    asked = true;
    await held;
    await route.continue();
  });
  await bob.bubbles.first().hover();
  // To the very top: only there the new page is sure to show above what is read.
  await expect(async () => {
    await bob.page.mouse.wheel(0, -250);
    expect(await restsAt(bob.timeline)).toBe(0);
  }).toPass();
  await expect.poll(() => asked).toBe(true);
  const anchor = bob.bubbles.first();
  const id = await anchor.getAttribute('data-row');
  const sameBubble = bob.page.locator(`[data-row="${id}"]`);
  const before = await sameBubble.boundingBox();
  release();
  await expect.poll(() => bob.bubbles.first().getAttribute('data-row')).not.toBe(id);
  await expect
    .poll(async () => Math.abs(((await sameBubble.boundingBox())?.y ?? 0) - (before?.y ?? 1e9)))
    .toBeLessThanOrEqual(1);
});

/** Where the list comes to rest: ten frames at one place. */
function restsAt(list: Locator): Promise<number> {
  return list.evaluate(async (element) => {
    let place = Number.NaN;
    for (let frames = 0; frames < 10; frames += 1) {
      if (element.scrollTop !== place) [place, frames] = [element.scrollTop, 0];
      await new Promise(requestAnimationFrame);
    }
    return place;
  });
}

async function numbers(texts: Promise<string[]>): Promise<number[]> {
  return (await texts).map((text) => Number(/line (\d+)/.exec(text)?.[1]));
}
