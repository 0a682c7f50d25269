import type { Page } from '@playwright/test';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { named, type Person, password } from '../person.js';
import { promote, signIn } from '../staff.js';

// Several browsers and commands a test: on a busy machine that takes its time.
test.describe.configure({ timeout: 120_000 });

/** Opens the page about a person, by searching for them. */
async function look(boss: Person, other: Person): Promise<void> {
  const { page } = boss;
  await page.getByRole('button', { name: /^Your menu/ }).click();
  await page.getByRole('menuitem', { name: 'Administration' }).click();
  await page.getByLabel('Search', { exact: true }).fill(other.username);
  await page.getByRole('button', { name: named(other.name) }).click();
  await expect(page.getByRole('heading', { name: other.name })).toBeVisible();
}

/** Does what a button on a person's page is for, and says yes. */
async function act(page: Page, button: string, reason?: string): Promise<void> {
  await page.getByRole('button', { name: button, exact: true }).click();
  const dialog = page.getByRole('dialog');
  if (reason) await dialog.getByLabel('Reason').fill(reason);
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText('Done.', { exact: true })).toBeVisible();
}

test('a suspended person is put out at once and told so, and comes back when restored', async ({
  person,
  server,
}) => {
  const [boss, eve] = [await promote(server, await person('Boss'), 'admin'), await person('Eve')];
  await eve.open();
  await eve.post(boss, 'written before');
  await look(boss, eve);
  await act(boss.page, 'Suspend', 'Sells things');
  await expect(boss.page.getByText(`Suspended by ${boss.username},`)).toBeVisible();
  await expect(boss.page.getByText('Sells things').first()).toBeVisible();

  // The socket was closed, which signs out without a reload.
  await expect(eve.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await signIn(eve.page, eve.url, eve.username);
  await expect(eve.page.getByRole('alert').getByText('This account is suspended.')).toBeVisible();

  // Others still see what was written.
  await boss.page.goto(boss.url);
  await boss.row(eve).click();
  await expect(boss.bubble('written before')).toBeVisible();

  await look(boss, eve);
  await act(boss.page, 'Restore');
  await signIn(eve.page, eve.url, eve.username);
  await expect(eve.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();
});

test('roles decide what of the administration there is', async ({ person, server }) => {
  const [boss, eve] = [await promote(server, await person('Boss'), 'admin'), await person('Eve')];
  await eve.open();
  await eve.page.getByRole('button', { name: /^Your menu/ }).click();
  await expect(eve.page.getByRole('menuitem', { name: 'Settings' })).toBeVisible();
  await expect(eve.page.getByRole('menuitem', { name: 'Administration' })).toHaveCount(0);
  await eve.page.goto(`${eve.url}/admin`);
  await expect(eve.page.getByRole('heading', { name: 'Administration' })).toHaveCount(0);

  await look(boss, eve);
  await boss.page.getByLabel('Role', { exact: true }).selectOption('moderator');
  await act(boss.page, 'Change role');
  await expect(eve.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await signIn(eve.page, eve.url, eve.username);
  await look(eve, boss);
  await expect(eve.page.getByRole('tab')).toHaveText(['People', 'Reports']);
  await expect(eve.page.getByRole('button', { name: 'Suspend' })).toHaveCount(0);
});

test('people join with the link of an invitation, and without it are told why not', async ({
  person,
  newcomer,
  server,
}) => {
  const boss = await promote(server, await person('Boss'), 'admin');
  const [guest, late] = [await newcomer('Guest'), await newcomer('Late')];
  const { page } = boss;
  await page.goto(`${boss.url}/admin/settings`);
  await page.getByLabel('Who may sign up').selectOption({ label: 'With an invitation' });
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await page.getByRole('tab', { name: 'Invitations' }).click();
  await page.getByLabel('Note').fill('For the guest');
  await page.getByRole('button', { name: 'Make a link' }).click();
  const link = await page.getByLabel('Link to give away').inputValue();

  await late.page.goto(`${boss.url}/signup`);
  await expect(late.page.getByText('You need an invitation')).toBeVisible();

  for (const { someone, said } of [
    { someone: guest, said: undefined },
    { someone: late, said: 'This invitation was used already' },
  ]) {
    const form = someone.page;
    await form.goto(link);
    await expect(form.getByText('You are invited')).toBeVisible();
    expect(form.url(), 'the secret stays in the address').not.toContain('token');
    await form.getByRole('tab', { name: 'Sign in' }).click();
    await form.getByRole('tab', { name: 'Create account' }).click();
    await form.getByLabel('Name', { exact: true }).fill(someone.name);
    await form.getByLabel('Username', { exact: true }).fill(someone.handle);
    await form.getByLabel('Password', { exact: true }).fill(password);
    await form.getByRole('button', { name: 'Create account' }).click();
    const then = said ? form.getByText(said) : form.getByRole('button', { name: /^Your menu/ });
    await expect(then).toBeVisible();
  }
  await page.reload();
  await expect(page.getByText('1 of 1 used')).toBeVisible();
  await page.getByRole('button', { name: 'Withdraw For the guest' }).click();
  await expect(page.getByText('There are no invitations.')).toBeVisible();
  await server.command('admin', 'sign-up', 'open');
});

test('an announcement is shown to everybody until they dismiss it', async ({ person, server }) => {
  const [boss, ada] = [await promote(server, await person('Boss'), 'admin'), await person('Ada')];
  const { page } = boss;
  await page.goto(`${boss.url}/admin/settings`);
  await page.getByLabel('Text').fill('Back at ten');
  await page.getByLabel('Level').selectOption('warning');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('region', { name: 'Announcement' })).toHaveText('Back at ten');
  await ada.open();
  const shown = ada.page.getByRole('region', { name: 'Announcement' });
  await expect(shown).toHaveText('Back at ten');
  await ada.page.getByRole('button', { name: 'Dismiss the announcement' }).click();
  await expect(shown).toHaveCount(0);
  await ada.page.reload();
  await expect(ada.list).toBeVisible();
  await expect(shown).toHaveCount(0);
  await server.command('admin', 'banner', 'Back at eleven');
  await ada.page.reload();
  await expect(shown).toHaveText('Back at eleven');
  await server.command('admin', 'banner', '--clear');
});

test('the administration is accessible in both themes and fits a phone', async ({ person, server }) => {
  const eve = await person('Eve');
  for (const colorScheme of ['light', 'dark'] as const) {
    const phone = colorScheme === 'dark' ? { viewport: { width: 390, height: 844 } } : {};
    const boss = await promote(server, await person('Boss', { colorScheme, ...phone }), 'admin');
    await server.command('admin', 'banner', 'Back at ten', '--level', 'critical');
    await server.command('admin', 'invite', '--note', 'For the guest');
    for (const path of ['people', `people/${eve.user.id}`, 'invitations', 'settings', 'overview']) {
      await boss.page.goto(`${boss.url}/admin/${path}`);
      await expect(boss.page.getByRole('tabpanel').locator('h2, h3, label, dl, ul').first()).toBeVisible();
      expect(await findings(boss.page), path).toEqual([]);
      const wide = await boss.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
      if (process.env.PICTURES)
        await boss.page.screenshot({
          path: `${process.env.PICTURES}/${colorScheme}-${path.split('/').join('-').slice(0, 12)}.png`,
        });
    }
    await server.command('admin', 'banner', '--clear');
  }
});
