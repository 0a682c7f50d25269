import { join } from 'node:path';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { named, type Person } from '../person.js';

// Playwright's traces fetch the preview's blob: address from within the page, which our CSP forbids.
test.use({ trace: 'off' });

const pictures = join(import.meta.dirname, '../../artifacts/screenshots');

/** A photograph of noise with a sun, as a camera would write it. */
async function photo(who: Person, width: number, height: number, type: string): Promise<Buffer> {
  const url = await who.page.evaluate(
    ([w, h, kind]) => {
      const canvas = document.createElement('canvas');
      canvas.width = w as number;
      canvas.height = h as number;
      const pen = canvas.getContext('2d') as CanvasRenderingContext2D;
      for (let x = 0; x < canvas.width; x += 8)
        for (let y = 0; y < canvas.height; y += 8) {
          pen.fillStyle = `hsl(${(x * 7 + y * 13) % 360} 70% ${30 + ((x ^ y) % 40)}%)`;
          pen.fillRect(x, y, 8, 8);
        }
      pen.fillStyle = 'gold';
      pen.beginPath();
      pen.arc(canvas.width / 2, canvas.height / 2, canvas.height / 3, 0, 7);
      pen.fill();
      return canvas.toDataURL(kind as string, 0.98);
    },
    [width, height, type] as const,
  );
  return Buffer.from(url.split(',')[1] ?? '', 'base64');
}

async function choose(who: Person, name: string, mimeType: string, buffer: Buffer): Promise<void> {
  await who.page.getByTestId('picture-file').setInputFiles({ name, mimeType, buffer });
}

const width = (image: HTMLImageElement) => image.naturalWidth;

test('a picture is chosen, seen by others, refused in words, and removed', async ({ person }) => {
  test.slow();
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  await ada.post(ben, 'hello');
  await ada.open('/settings');
  const device = await ada.context.newPage();
  await device.goto(ada.url);
  const own = device.getByRole('button', { name: /^Your menu/ }).locator('img');
  const form = ada.page.getByRole('region', { name: 'Picture' });
  await choose(ada, 'me.png', 'image/png', await photo(ada, 600, 400, 'image/png'));
  await expect(form.getByText('Your picture was changed.')).toBeVisible();
  await expect.poll(() => form.locator('img').evaluate(width)).toBe(128);

  await ben.open();
  const shown = ben.row(ada).locator('img');
  await expect.poll(() => shown.evaluate(width)).toBe(64);
  const first = await shown.getAttribute('src');

  // A large file is drawn smaller on the way.
  const large = await photo(ada, 1600, 1200, 'image/png');
  await choose(ada, 'large.png', 'image/png', Buffer.concat([large, Buffer.alloc(1 << 20)]));
  await expect(form.getByRole('button', { name: 'Remove the picture' })).toBeVisible({ timeout: 40_000 });
  await expect(form.getByText('Your picture was changed.')).toBeVisible();
  // Nobody reloads anything: the other side and other devices are told.
  await expect(shown).not.toHaveAttribute('src', first ?? '');
  await expect.poll(() => shown.evaluate(width)).toBe(64);
  await expect.poll(() => own.evaluate(width)).toBe(64);

  await choose(ada, 'cat.png', 'image/png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'));
  await expect(form.getByRole('alert')).toHaveText('This is not a PNG, JPEG, GIF or WebP picture.');
  await choose(ada, 'cut.png', 'image/png', large.subarray(0, 20_000));
  await expect(form.getByRole('alert')).toHaveText('The picture is damaged and cannot be shown.');

  await form.getByRole('button', { name: 'Remove the picture' }).click();
  await expect(form.getByText('Your picture was removed.')).toBeVisible();
  await expect(form.locator('img')).toHaveCount(0);
  await expect(shown).toHaveCount(0);
  await expect(own).toHaveCount(0);
  await expect(ben.row(ada)).toBeVisible();
});

test('status, language and time zone are kept; others see the status alone', async ({ person }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  await ada.post(ben, 'hello');
  await ada.open('/settings');
  await ada.page.getByRole('textbox', { name: 'Status' }).fill('At sea until May 🌊');
  await ada.page.getByLabel('Language').selectOption('pt-BR');
  await ada.page.getByLabel('Time zone').selectOption('America/Sao_Paulo');
  await ada.page.getByRole('button', { name: 'Save' }).click();
  await expect(ada.page.getByText('Saved')).toBeVisible();
  await ada.page.reload();
  await expect(ada.page.getByRole('textbox', { name: 'Status' })).toHaveValue('At sea until May 🌊');
  await expect(ada.page.getByLabel('Language')).toHaveValue('pt-BR');
  await expect(ada.page.getByLabel('Time zone')).toHaveValue('America/Sao_Paulo');
  await ada.page.getByRole('textbox', { name: 'Status' }).fill('x'.repeat(101));
  await ada.page.getByRole('button', { name: 'Save' }).click();
  await expect(ada.page.getByText('At most 100 characters.')).toBeVisible();
  await ben.open();
  await ben.row(ada).click();
  await expect(ben.page.getByTestId('peer-line')).toContainText('At sea until May 🌊');
  const seen = await ben.api<object>('GET', `/users/${ada.user.id}`);
  expect(Object.keys(seen)).not.toContain('time_zone');
});

test('dates and numbers follow the language and the time zone of the profile, at once', async ({ person }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  const { created_at } = (await ben.post(ada, 'hello')) as unknown as { created_at: string };
  const clock = (zone: string) =>
    new Intl.DateTimeFormat('de', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(
      new Date(created_at),
    );
  await ada.page.clock.setFixedTime(created_at); // no midnight comes between
  await ada.open('/settings');
  const time = ada.row(ben).locator('time');
  await expect(time).toHaveText(clock('Europe/Berlin')); // of the browser
  // Where it is another day now: Kiritimati is 14 hours ahead of UTC, Pago Pago 11 behind.
  for (const zone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
    await ada.page.getByLabel('Language').selectOption('de');
    await ada.page.getByLabel('Time zone').selectOption(zone);
    await ada.page.getByRole('button', { name: 'Save' }).click();
    await expect(time).toHaveText(clock(zone));
    await expect(time).toHaveAttribute('lang', 'de');
  }
  await ada.row(ben).click();
  await expect(ada.page.getByText('Heute', { exact: true })).toBeVisible();
  await expect(ada.bubble('hello').locator('time')).toHaveText(clock('Pacific/Pago_Pago'));
  expect(await ada.page.locator('html').getAttribute('lang')).toBe('en');
  await ada.page.reload();
  await expect(ada.bubble('hello').locator('time')).toHaveText(clock('Pacific/Pago_Pago'));
});

test('privacy: not listed, not seen, and not telling what was read', async ({ person }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  await ada.post(ben, 'hello');
  await ada.open('/settings/privacy');
  await expect
    .poll(
      async () => (await ben.api<{ last_seen_at?: string }>('GET', `/users/${ada.user.id}`)).last_seen_at,
      {
        timeout: 20_000,
      },
    )
    .toBeTruthy();
  await ben.open();
  await ben.row(ada).click();
  const line = ben.page.getByTestId('peer-line');
  await expect(line).toContainText('here just now');

  for (const name of ['Others can find me', 'Show when I was last here', 'Show what I have read']) {
    const setting = ada.page.getByRole('switch', { name });
    await expect(setting).toBeChecked();
    await setting.press(' ');
    await expect(setting).not.toBeChecked();
    await expect(ada.page.getByText('Saved')).toBeVisible();
  }
  await ben.page.reload();
  await expect(line).toHaveText(`@${ada.username}`);
  const found = async (query: string) =>
    (await ben.api<{ items: { id: string }[] }>('GET', `/users?query=${query}`)).items.length;
  expect(await found(ada.username.slice(0, -1))).toBe(0);
  expect(await found(ada.username)).toBe(1);

  await ben.send('did you read this?');
  await ben.delivered('did you read this?');
  await ada.page.getByRole('button', { name: 'Back' }).click();
  await ada.row(ben).click();
  await expect(ada.bubble('did you read this?')).toBeVisible();
  type View = { unread: number; peer_read_seq: number };
  const [conversation] = (await ada.api<{ items: { id: string }[] }>('GET', '/conversations')).items;
  const view = (who: Person) => who.api<View>('GET', `/conversations/${conversation?.id}`);
  await expect.poll(async () => (await view(ada)).unread).toBe(0);
  expect((await view(ben)).peer_read_seq).toBe(1); // her own message
  await expect(ben.state('did you read this?', 'Sent')).toBeAttached();
});

test('a short search says that it is short', async ({ person }) => {
  const [ada, taro] = [await person('Ada'), await person('Taro')];
  await taro.api('PATCH', '/users/me', { display_name: '山田太郎' });
  await ada.open();
  await ada.page.getByRole('button', { name: 'New conversation' }).click();
  const field = ada.page.getByPlaceholder('Name or username');
  await field.fill('zq');
  await expect(ada.page.getByText('Type at least three letters')).toBeVisible();
  await field.fill('太');
  await expect(ada.page.getByRole('option', { name: named('山田太郎') })).toBeVisible();
});

test('profile and privacy are accessible in both themes', async ({ person }) => {
  for (const [colorScheme, viewport] of [
    ['light', { width: 1280, height: 800 }],
    ['dark', { width: 390, height: 844 }],
  ] as const) {
    const ada = await person('Ada Lovelace', { colorScheme, viewport, reducedMotion: 'reduce' });
    for (const tab of ['profile', 'privacy']) {
      await ada.page.goto(`${ada.url}/settings/${tab}`);
      await expect(ada.page.getByText(tab === 'profile' ? 'Time zone' : 'Others can find me')).toBeVisible();
      await ada.page.evaluate(() => document.fonts.ready);
      await ada.page.screenshot({
        path: join(pictures, `settings-${tab}-${colorScheme}.png`),
        animations: 'disabled',
      });
      expect(await findings(ada.page), `${tab} in ${colorScheme}`).toEqual([]);
    }
  }
});
