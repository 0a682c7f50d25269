import type { Page } from '@playwright/test';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { password } from '../person.js';

const next = 'another-horse-8-battery';

test('a forgotten password is replaced by mail, and other devices are signed out', async ({
  newcomer,
  server,
}) => {
  const [ada, phone] = [
    await newcomer('Ada'),
    await newcomer('Phone', { viewport: { width: 390, height: 844 } }),
  ];
  const email = `${ada.handle}@example.org`;
  await ada.page.goto(`${ada.url}/signup`);
  await ada.page.getByLabel('Name', { exact: true }).fill(ada.name);
  await ada.page.getByLabel('Username', { exact: true }).fill(ada.handle);
  await ada.page.getByLabel('E-mail', { exact: true }).fill(email);
  await ada.page.getByLabel('Password', { exact: true }).fill(password);
  await expect(ada.page.getByText('Password strength: Strong')).toBeVisible();
  await ada.page.getByRole('button', { name: 'Create account' }).click();
  await expect(ada.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();

  const { page } = phone;
  await page.goto(`${ada.url}/signin`);
  await page.getByRole('button', { name: 'Forgot password?' }).click();
  await page.getByLabel('Username or e-mail').fill(ada.handle);
  await page.getByRole('button', { name: 'Send link' }).click();
  await expect(page.getByText('a link is on its way')).toBeVisible();
  const link = await server.mailedLink(email, 'reset');
  await page.goto(link);
  await expect(page.getByLabel('New password')).toBeVisible();
  expect(page.url(), 'the secret stays in the address').not.toContain('token');
  await page.getByLabel('New password').fill('12345678');
  await page.getByRole('button', { name: 'Save password' }).click();
  await expect(page.getByText('in lists that attackers try first')).toBeVisible();
  await page.getByLabel('New password').fill(next);
  await page.getByRole('button', { name: 'Save password' }).click();
  await expect(page.getByText('Your password was changed')).toBeVisible();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Username or e-mail').fill(ada.handle);
  await page.getByLabel('Password', { exact: true }).fill(next);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('button', { name: /^Your menu/ })).toBeVisible();

  // The socket of the first device was closed, which signs it out without a reload.
  await expect(ada.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await page.goto(link);
  await page.reload();
  await expect(page.getByText('used already or is too old')).toBeVisible();
});

test('the settings change the password and sign devices out', async ({ person, newcomer }) => {
  const [ada, other] = [await person('Ada'), await newcomer('Other')];
  await other.page.goto(`${ada.url}/signin`);
  await other.page.getByLabel('Username or e-mail').fill(ada.username);
  await other.page.getByLabel('Password', { exact: true }).fill(password);
  await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(other.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();

  await ada.open('/settings/devices');
  await expect(ada.page.getByText('This device')).toBeVisible();
  await ada.page.getByRole('button', { name: /^Sign out .* on / }).click();
  await expect(other.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await expect(ada.page.getByRole('button', { name: /^Sign out .* on / })).toHaveCount(0);

  await ada.page.getByRole('tab', { name: 'Password and e-mail' }).click();
  const form = ada.page.getByRole('region', { name: 'Password', exact: true });
  await form.getByLabel('Current password').fill('not the one');
  await form.getByLabel('New password').fill(next);
  await form.getByRole('button', { name: 'Change password' }).click();
  await expect(form.getByText('The current password is not right.')).toBeVisible();
  await form.getByLabel('Current password').fill(password);
  await form.getByRole('button', { name: 'Change password' }).click();
  await expect(form.getByText('Your password was changed')).toBeVisible();
});

test('an e-mail address is confirmed by the link in a mail, once, whoever is signed in', async ({
  person,
  newcomer,
  server,
}) => {
  const [ada, other] = [await person('Ada'), await newcomer('Other')];
  const email = `${ada.handle}@example.org`;
  const confirm = async (page: Page, link: string) => {
    await page.goto(link);
    await expect(page.getByRole('heading', { name: 'Confirm your e-mail address' })).toBeVisible();
  };
  await ada.open('/settings/security');
  const form = ada.page.getByRole('region', { name: 'E-mail address' });
  await form.getByLabel('New e-mail address').fill(email);
  await form.getByLabel('Current password').fill(password);
  await form.getByRole('button', { name: 'Change address' }).click();
  await expect(form.getByText(`Open the link that we sent to ${email}.`)).toBeVisible();
  const link = await server.mailedLink(email, 'confirm');

  // A browser that is signed in nowhere.
  await confirm(other.page, link);
  await expect(other.page.getByText('Your e-mail address is confirmed.')).toBeVisible();
  expect(other.page.url(), 'the secret stays in the address').not.toContain('token');
  await ada.page.reload();
  await expect(form.getByText(`${email} (confirmed)`)).toBeVisible();
  await confirm(other.page, link);
  await other.page.reload();
  await expect(other.page.getByText('used already or is too old')).toBeVisible();
  await other.page.getByRole('button', { name: 'Continue' }).click();
  await expect(other.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();

  // A link of one's own, where one is signed in, leads back to the conversations.
  await confirm(ada.page, link);
  await expect(ada.page.getByText('used already or is too old')).toBeVisible();
  await ada.page.getByRole('button', { name: 'Continue' }).click();
  await expect(ada.list).toBeVisible();
});

test('the pages about accounts are accessible in both themes', async ({ person, newcomer }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const [ada, stranger] = [
      await person('Ada', { colorScheme }),
      await newcomer('Stranger', { colorScheme }),
    ];
    const pages = [
      { page: stranger.page, url: `${ada.url}/forgot` },
      { page: stranger.page, url: `${ada.url}/reset#token=x` },
      { page: stranger.page, url: `${ada.url}/confirm#token=x` },
      { page: ada.page, url: `${ada.url}/settings/security` },
      { page: ada.page, url: `${ada.url}/settings/devices` },
    ];
    for (const { page, url } of pages) {
      await page.goto(url);
      await expect(page.getByRole('heading').first()).toBeVisible();
      expect(await findings(page), url).toEqual([]);
    }
  }
});
