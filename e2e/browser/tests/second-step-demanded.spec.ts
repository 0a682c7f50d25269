import { findings } from '../axe.js';
import { test as base, expect } from '../fixtures.js';
import { password } from '../person.js';
import { saveCodes, setUpApp, signInWithPassword, virtualDevice } from '../second-step.js';
import { Server } from '../server.js';

/** A ChatApp of its own for each worker: what is demanded holds for everybody on it. */
const test = base.extend<object, object>({
  server: [
    async ({}, use, info) => {
      const server = await Server.start(`demanded-${info.workerIndex}`);
      await use(server);
      await server.end();
    },
    { scope: 'worker' },
  ],
});

test.slow();

test('who must have a second step sets it up, and then is where they wanted to be', async ({
  server,
  person,
  newcomer,
}) => {
  await server.command('admin', 'second-step', 'optional');
  const ada = await person('Ada');
  await server.command('admin', 'second-step', 'everybody');
  const { page } = ada;
  // From the next renewal on: here the one of a reload.
  await page.goto(`${ada.url}/settings/profile`);
  await expect(page.getByRole('heading', { name: 'Set up two-step sign-in', level: 1 })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Your menu/ })).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Continue to ChatApp' })).toHaveCount(0);
  expect(await findings(page)).toEqual([]);
  const { codes } = await setUpApp(page);
  expect(codes[0]).toMatch(/^([a-z2-7]{4}-){5}[a-z2-7]{4}$/);
  await page.screenshot({ path: '../artifacts/enrolled.png', fullPage: true });
  await page.getByRole('button', { name: 'Continue to ChatApp' }).click();
  await expect(page.getByRole('button', { name: /^Your menu/ })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe('/settings/profile');

  // The last one stays.
  await ada.open('/settings/two-step');
  await page.getByRole('button', { name: 'Remove the app' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Current password').fill(password);
  await dialog.getByLabel('Code from your app, or a recovery code').fill(codes[0] ?? '');
  await dialog.getByRole('button', { name: 'Remove the app' }).click();
  await expect(dialog.getByText('Two-step sign-in is needed here.')).toBeVisible();

});

test('somebody new sets up a passkey, on a phone', async ({ server, newcomer }) => {
  await server.command('admin', 'second-step', 'everybody');
  const bob = await newcomer('Bob', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  await virtualDevice(bob.page, { offers: false });
  await bob.page.goto(`${bob.url}/signup`);
  await bob.page.getByLabel('Name', { exact: true }).fill(bob.name);
  await bob.page.getByLabel('Username', { exact: true }).fill(bob.handle);
  await bob.page.getByLabel('Password', { exact: true }).fill(password);
  await bob.page.getByRole('button', { name: 'Create account' }).click();
  await expect(bob.page.getByRole('heading', { name: 'Set up two-step sign-in', level: 1 })).toBeVisible();
  expect(await findings(bob.page)).toEqual([]);
  await bob.page.screenshot({ path: '../artifacts/enrol-phone.png', fullPage: true });
  await bob.page.getByRole('button', { name: 'Add a passkey' }).click();
  await bob.page.getByRole('dialog').getByLabel('Current password').fill(password);
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Add a passkey' }).click();
  await saveCodes(bob.page);
  await bob.page.reload(); // as good as the button
  await expect(bob.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();
});

test('an administrator asks it of others, once they have it themselves', async ({ server, newcomer }) => {
  await server.command('admin', 'second-step', 'optional');
  const boss = await newcomer('Boss');
  await boss.arrange();
  await server.command('admin', 'role', boss.username, 'admin');
  const { page } = boss;
  await page.goto(`${boss.url}/signin`);
  await signInWithPassword(page, boss);
  await expect(page.getByRole('button', { name: /^Your menu/ })).toBeVisible();
  await boss.open('/admin/settings');
  await page.getByLabel('Who must have two-step sign-in').selectOption('everybody');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Set up two-step sign-in for yourself first')).toBeVisible();
  await boss.open('/settings/two-step');
  await setUpApp(page);
  await boss.open('/admin/settings');
  await page.getByLabel('Who must have two-step sign-in').selectOption('everybody');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  expect(await findings(page)).toEqual([]);
  await page.screenshot({ path: '../artifacts/second-step-setting.png', fullPage: true });
});

test('who does not want to set one up signs out, and signs in as ever when it is not asked for', async ({
  server,
  newcomer,
}) => {
  const eve = await newcomer('Eve');
  await server.command('admin', 'second-step', 'everybody');
  await eve.arrange();
  await eve.page.goto(`${eve.url}/`);
  await expect(eve.page.getByRole('heading', { name: 'Set up two-step sign-in', level: 1 })).toBeVisible();
  await eve.page.getByRole('button', { name: 'Sign out' }).click();
  await eve.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await expect(eve.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
  await server.command('admin', 'second-step', 'optional');
  await signInWithPassword(eve.page, eve);
  await expect(eve.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();
});
