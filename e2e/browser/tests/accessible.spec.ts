import { join } from 'node:path';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { named, type Person } from '../person.js';

const pictures = join(import.meta.dirname, '../../artifacts/screenshots');

const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`${size}, ${colorScheme}: every screen is accessible, and has its picture taken`, async ({
      newcomer,
      person,
    }) => {
      const options = { viewport, colorScheme, reducedMotion: 'reduce' as const };
      const shots = new Map<string, string[]>();
      const look = async (who: Person, screen: string) => {
        // Pictures are taken when fonts are there and motion is over.
        await who.page.evaluate(() => document.fonts.ready);
        await who.page.screenshot({
          path: join(pictures, `${screen}-${size}-${colorScheme}.png`),
          animations: 'disabled',
        });
        shots.set(screen, await findings(who.page));
      };
      const stranger = await newcomer('Stranger', options);
      await stranger.page.goto(stranger.url);
      await stranger.page.getByRole('tab', { name: 'Sign in' }).click();
      await expect(stranger.page.getByLabel('Username or e-mail')).toBeVisible();
      await look(stranger, 'sign-in');
      await stranger.page.getByRole('tab', { name: 'Create account' }).click();
      await look(stranger, 'sign-up');

      const [anna, ben, cleo] = [
        await person('Anna Lindqvist', options),
        await person('Ben Okafor'),
        await person('Cleo Marchetti'),
      ];
      await anna.open();
      await look(anna, 'empty');
      await cleo.post(anna, 'See you on Thursday? 🌵');
      await cleo.post(anna, 'Bring the map.');
      const talk = [
        [ben, 'Morning! Did the train make it?'],
        [anna, 'It did. Two minutes early, even.'],
        [ben, 'Miracles happen. The plan for today:'],
        [ben, '1. coffee\n2. the archive\n3. more coffee'],
        [anna, 'I like how the archive is outnumbered.'],
        [
          ben,
          'Here is what the catalogue says about it: https://example.org/archive/boxes?from=1920&to=1938',
        ],
      ] as const;
      for (const [who, text] of talk) await (who === anna ? anna.post(ben, text) : who.post(anna, text));
      await expect(anna.row(ben)).toContainText('Here is what');
      await look(anna, 'list');
      await anna.row(ben).click();
      await expect(anna.bubbles).toHaveCount(talk.length);
      await anna.send('On my way ☕');
      await anna.delivered('On my way ☕');
      await look(anna, 'conversation');
      await anna.page.goto(`${anna.url}/settings`);
      await expect(anna.page.getByRole('textbox', { name: 'Name' })).toBeVisible();
      await look(anna, 'settings');
      await anna.api('PUT', `/users/me/blocks/${cleo.user.id}`);
      await anna.page.getByRole('tab', { name: 'Blocked people' }).click();
      await expect(anna.page.getByRole('button', { name: named('Unblock') })).toBeVisible();
      await look(anna, 'blocked');
      // The block came from another device: it shows when the list is read again.
      await anna.open();
      await anna.row(cleo).click();
      await expect(anna.conversation.getByText('You blocked')).toBeVisible();
      await look(anna, 'blocked-conversation');
      await anna.open();
      if (size === 'desktop') {
        await anna.page.keyboard.press('ControlOrMeta+k');
        await expect(anna.page.getByRole('dialog')).toBeVisible();
        await anna.page.getByPlaceholder('Name or username').fill('c');
        await expect(anna.page.getByRole('option').first()).toBeVisible();
        await look(anna, 'people');
        await anna.page.keyboard.press('Escape');
        await anna.page.getByRole('button', { name: /^Your menu/ }).click();
        await look(anna, 'menu');
      }
      expect(Object.fromEntries([...shots].filter(([, found]) => found.length > 0))).toEqual({});
    });
  }
}

test('everything can be done with the keyboard alone', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await alice.open();
  await alice.page.keyboard.press('ControlOrMeta+k');
  await alice.page.keyboard.type(bob.username);
  await expect(alice.page.getByRole('option', { name: named(bob.name) })).toBeVisible();
  await alice.page.keyboard.press('Enter');
  await expect(alice.composer).toBeFocused();
  await alice.page.keyboard.type('no mouse');
  await alice.page.keyboard.press('Enter');
  await alice.delivered('no mouse');
});
