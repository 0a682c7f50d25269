import { randomBytes } from 'node:crypto';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { named, type Person } from '../person.js';
import { promote } from '../staff.js';

// Several browsers and commands a test: on a busy machine that takes its time.
test.describe.configure({ timeout: 120_000 });

/** The card of the report about somebody. */
function card(staff: Person, about: Person) {
  return staff.page
    .getByRole('list', { name: 'Reports' })
    .getByRole('listitem')
    .filter({ has: staff.page.getByRole('heading', { name: named(`About ${about.name}`) }) });
}

/** Reports a message as its reader does. */
async function report(reader: Person, text: string): Promise<void> {
  await reader.bubble(text).hover();
  await reader.page.getByRole('button', { name: 'Report this message' }).click();
  const dialog = reader.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
}

test('a moderator removes a message, and both people see it go without a reload', async ({ person, server }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  const mona = await promote(server, await person('Mona'), 'moderator');
  const text = `something illegal ${randomBytes(3).toString('hex')}`;
  const { conversation_id } = await ada.post(ben, text);
  await ben.post(ada, 'what?');
  for (const someone of [ada, ben]) await someone.open(`/c/${conversation_id}`);
  await expect(ada.bubble(text)).toBeVisible();
  await report(ben, text);

  await mona.page.goto(`${mona.url}/admin/reports`);
  await expect(card(mona, ada).getByText(text)).toBeVisible();
  await card(mona, ada).getByRole('button', { name: 'Remove message' }).click();
  const dialog = mona.page.getByRole('dialog');
  await expect(dialog.getByText('This cannot be undone.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Remove message' }).click();
  await expect(card(mona, ada)).toHaveCount(0);

  for (const someone of [ada, ben]) {
    await expect(someone.bubble('Message deleted')).toBeVisible();
    await expect(someone.page.getByText(text)).toHaveCount(0);
    await expect(someone.bubble('what?')).toBeVisible();
  }
  await expect(ben.page.getByRole('button', { name: 'Report this message' })).toHaveCount(0);
  if (process.env.PICTURES) await ben.page.screenshot({ path: `${process.env.PICTURES}/removed.png` });
  await ben.page.reload();
  await expect(ben.bubble('Message deleted')).toBeVisible();
  await expect(ben.page.getByText(text)).toHaveCount(0);
});

test('a moderator suspends who is reported, and that closes the report', async ({ person, server }) => {
  const [eve, ben] = [await person('Eve'), await person('Ben')];
  const mona = await promote(server, await person('Mona'), 'moderator');
  const { conversation_id } = await eve.post(ben, 'buy pills');
  await eve.open();
  await ben.open(`/c/${conversation_id}`);
  await report(ben, 'buy pills');

  await mona.page.goto(`${mona.url}/admin/reports`);
  await card(mona, eve).getByLabel('Note (optional)').fill('Sells pills');
  await card(mona, eve).getByRole('button', { name: 'Suspend account' }).click();
  await mona.page.getByRole('dialog').getByRole('button', { name: 'Suspend account' }).click();
  await expect(card(mona, eve)).toHaveCount(0);
  await expect(eve.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await mona.page.getByRole('button', { name: 'Closed' }).click();
  await expect(card(mona, eve).getByText(/^Account suspended: Mona/)).toBeVisible();
  await mona.page.goto(`${mona.url}/admin/people/${eve.user.id}`);
  await expect(mona.page.getByText('Sells pills').first()).toBeVisible();
});

test('an administrator deletes an account by typing its username, but not the own one', async ({
  person,
  server,
}) => {
  const [eve, ben] = [await person('Eve'), await person('Ben')];
  const boss = await promote(server, await person('Boss'), 'admin');
  const { conversation_id } = await eve.post(ben, 'hello');
  await eve.open();
  await ben.open(`/c/${conversation_id}`);
  const { page } = boss;
  await page.goto(`${boss.url}/admin/people/${boss.user.id}`);
  await expect(page.getByRole('button', { name: 'Sign out everywhere' })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Delete account/ })).toHaveCount(0);

  await page.goto(`${boss.url}/admin/people/${eve.user.id}`);
  await page.getByRole('button', { name: /^Delete account/ }).click();
  const dialog = page.getByRole('dialog');
  const yes = dialog.getByRole('button', { name: 'Delete for good' });
  await expect(yes).toBeDisabled();
  await dialog.getByLabel(/^Type the username/).fill(ben.username);
  await expect(yes).toBeDisabled();
  await dialog.getByLabel(/^Type the username/).fill(eve.username);
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/delete.png` });
  await yes.click();
  await expect(dialog).toHaveCount(0);
  await page.getByLabel('Search', { exact: true }).fill(eve.username);
  await expect(page.getByText('Nobody matches.')).toBeVisible();
  await expect(eve.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await ben.page.reload();
  await expect(ben.page.getByText('This account was deleted. Nothing can be written here any more.')).toBeVisible();
});

test('how long messages are kept is asked about, shown, and taken back', async ({ person, server }) => {
  const boss = await promote(server, await person('Boss'), 'admin');
  const { page } = boss;
  await page.goto(`${boss.url}/admin/settings`);
  await page.getByLabel('Keep messages').selectOption({ label: 'For a number of days' });
  const days = page.getByLabel('Days', { exact: true });
  await days.fill('0');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(page.getByText('A number from 1 to 3650.')).toBeVisible();
  await days.fill('30');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(/^No message is older than 30 days today\./)).toBeVisible();
  if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/preview.png` });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.reload();
  await expect(page.getByLabel('Keep messages')).toHaveValue('ever');

  await page.getByLabel('Keep messages').selectOption({ label: 'For a number of days' });
  await days.fill('30');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await dialog.getByRole('button', { name: 'Erase in an hour' }).click();
  await expect(page.getByText('Changed.')).toBeVisible();
  await page.reload();
  await expect(page.getByText(/^Messages are kept for 30 days from .* Until then: for ever\.$/)).toBeVisible();
  await expect(days).toHaveValue('30');
  await page.getByRole('button', { name: 'Take it back' }).click();
  await expect(page.getByText(/Until then/)).toHaveCount(0);
  await page.reload();
  await expect(page.getByLabel('Keep messages')).toHaveValue('ever');
});

test('figures about messages', async ({ person, server }) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  const boss = await promote(server, await person('Boss'), 'admin');
  await ada.post(ben, 'one');
  await expect(async () => {
    await boss.page.goto(`${boss.url}/admin/overview`);
    const messages = boss.page.getByRole('region', { name: 'Figures about messages' });
    await expect(messages.getByText('Open reports')).toBeVisible();
    await expect(boss.page.getByText(/^Messages per day: [1-9]\d* in 30 days$/)).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
});

test('reports and what is kept are accessible in both themes and fit a phone', async ({ person, server }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const phone = colorScheme === 'dark' ? { viewport: { width: 390, height: 844 } } : {};
    const [ada, ben] = [await person('Ada'), await person('Ben')];
    const boss = await promote(server, await person('Boss', { colorScheme, ...phone }), 'admin');
    const { id } = await ada.post(ben, 'buy pills');
    await ben.api('POST', '/reports', { message_id: id, reason: 'spam' });
    await server.command('admin', 'retention', '--days', '30', '--yes');
    for (const path of ['reports', 'settings', 'overview']) {
      await boss.page.goto(`${boss.url}/admin/${path}`);
      await expect(boss.page.getByRole('tabpanel').locator('h2, h3, label, dl').first()).toBeVisible();
      if (path === 'settings') await expect(boss.page.getByText(/Until then/)).toBeVisible();
      expect(await findings(boss.page), path).toEqual([]);
      const wide = await boss.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
      const tall = await boss.page.evaluate(() => document.documentElement.scrollHeight - window.innerHeight);
      expect(tall, `${path} scrolls as a whole`).toBeLessThanOrEqual(0);
      if (process.env.PICTURES)
        await boss.page.screenshot({
          path: `${process.env.PICTURES}/${colorScheme}-${path}.png`,
          fullPage: true,
        });
    }
    await server.command('admin', 'retention', '--forever');
  }
});
