import type { Page } from '@playwright/test';
import { findings } from '../axe.js';
import { test as base, expect } from '../fixtures.js';
import { password } from '../person.js';
import { client, Provider } from '../provider.js';
import { appCode, setUpApp } from '../second-step.js';
import { Server } from '../server.js';

/** A ChatApp of its own for each worker, which offers a real provider. */
const test = base.extend<object, { provider: Provider }>({
  provider: [
    async ({ server }, use) => {
      const provider = await Provider.start(`${server.url}/api/v1/auth/oidc/test/callback`);
      await server.restart({
        CHAT_OIDC_PROVIDERS: JSON.stringify([
          { id: 'test', name: 'Test Club', issuer: provider.issuer, client_id: client.id },
        ]),
        CHAT_OIDC_SECRETS: JSON.stringify({ test: client.secret }),
      });
      await use(provider);
      provider.end();
    },
    { scope: 'worker' },
  ],
  server: [
    async ({}, use, info) => {
      const server = await Server.start(`providers-${info.workerIndex}`);
      await use(server);
      await server.end();
    },
    { scope: 'worker' },
  ],
});

const menu = (page: Page) => page.getByRole('button', { name: /^Your menu/ });
const someone = (handle: string) => ({
  Subject: `sub-${handle}`,
  Username: handle,
  First: 'Grace',
  Last: 'Hopper',
  Email: `${handle}@example.org`,
  Verified: true,
});

test('signing in with a provider makes an account once, and opens the page that was wanted', async ({
  newcomer,
  provider,
}) => {
  const [grace, again] = [await newcomer('Grace'), await newcomer('Again')];
  await provider.add(someone(grace.handle));
  await grace.page.goto(`${grace.url}/settings/security`);
  await grace.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(grace.page, grace.handle);
  await expect(grace.page.getByRole('heading', { name: 'Linked sign-ins' })).toBeVisible();
  expect(new URL(grace.page.url()).pathname).toBe('/settings/security');
  expect(grace.page.url()).not.toMatch(/code|state|token/);
  await expect(grace.page.getByText(`Linked as ${grace.handle}@example.org`)).toBeVisible();

  // The only way in cannot be removed; with a password it can.
  await grace.page.getByRole('button', { name: 'Remove the link to Test Club' }).click();
  await expect(grace.page.getByText('This is your only way to sign in.')).toBeVisible();

  await again.page.goto(`${again.url}/signup`);
  await again.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(again.page, grace.handle);
  await expect(
    again.page.getByRole('button', { name: 'Your menu, signed in as Grace Hopper' }),
  ).toBeVisible();
  await again.page.goto(`${again.url}/settings/profile`);
  await expect(again.page.getByText(`@${grace.handle}`)).toBeVisible();
  await again.page.reload(); // the session is an ordinary one
  await expect(menu(again.page)).toBeVisible();

  const form = grace.page.getByRole('region', { name: 'Password', exact: true });
  await form.getByLabel('New password').fill(password);
  await form.getByRole('button', { name: 'Set password' }).click();
  await expect(form.getByText('Your password was changed')).toBeVisible();
  await grace.page.getByRole('button', { name: 'Remove the link to Test Club' }).click();
  await expect(grace.page.getByText('Not linked')).toBeVisible();
});

test('an address that has an account is never merged; linking is explicit', async ({
  newcomer,
  provider,
}) => {
  const [owner, stranger] = [await newcomer('Owner'), await newcomer('Stranger')];
  const made = await owner.context.request.post(`${owner.url}/api/v1/auth/register`, {
    data: {
      username: owner.handle,
      email: `${owner.handle}@example.org`,
      password,
      display_name: owner.name,
    },
  });
  expect(made.status()).toBe(201);
  await provider.add({ ...someone(owner.handle), Username: `at-${owner.handle}` });
  const { page } = stranger;
  await page.goto(`${owner.url}/signin`);
  await page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(page, `at-${owner.handle}`);
  await expect(page.getByRole('alert')).toContainText(
    'Sign in with your password, and link Test Club in the settings.',
  );
  expect(await stranger.context.cookies()).toEqual([]);

  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Username or e-mail').fill(owner.handle);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(menu(page)).toBeVisible();
  await page.goto(`${owner.url}/settings/security`);
  await page.getByRole('button', { name: 'Link Test Club' }).click();
  const dialog = page.getByRole('dialog', { name: 'Link Test Club' });
  await dialog.getByLabel('Current password').fill('not the one');
  await dialog.getByRole('button', { name: 'Go to Test Club' }).click();
  await expect(dialog.getByText('The current password is not right.')).toBeVisible();
  await dialog.getByLabel('Current password').fill(password);
  await dialog.getByRole('button', { name: 'Go to Test Club' }).click();
  await provider.signIn(page, `at-${owner.handle}`);
  await expect(page.getByText(`Linked as ${owner.handle}@example.org`)).toBeVisible();

  await owner.page.goto(`${owner.url}/signin`);
  await owner.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(owner.page, `at-${owner.handle}`);
  await expect(menu(owner.page)).toBeVisible();
});

test('the second step stands after the word of a provider, too', async ({ newcomer, provider }) => {
  const [grace, again] = [await newcomer('Grace'), await newcomer('Again')];
  await provider.add(someone(grace.handle));
  await grace.page.goto(`${grace.url}/settings/two-step`);
  await grace.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(grace.page, grace.handle);
  const { key } = await setUpApp(grace.page, false);

  await again.page.goto(`${again.url}/settings/security`);
  await again.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(again.page, grace.handle);
  await expect(again.page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  expect(again.page.url()).toBe(`${again.url}/settings/security`);
  expect(await again.context.cookies()).toEqual([]);
  expect(await findings(again.page)).toEqual([]);
  await again.page.getByLabel('Code from your app').fill(appCode(key, 1)); // the one before turned the app on
  await again.page.getByRole('button', { name: 'Continue', exact: true }).click();
  await expect(again.page.getByText(`Linked as ${grace.handle}@example.org`)).toBeVisible();
});

test('a sign-in with a provider is finished, also where somebody is signed in', async ({
  newcomer,
  provider,
}) => {
  test.slow(); // it goes to the provider three times
  const [grace, ada] = [await newcomer('Grace'), await newcomer('Ada')];
  await provider.add(someone(grace.handle));
  await grace.page.goto(`${grace.url}/settings/two-step`);
  await grace.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await provider.signIn(grace.page, grace.handle);
  const { key } = await setUpApp(grace.page, false);

  await ada.arrange();
  await ada.open();
  const before = (await ada.context.cookies()).find(({ name }) => name === 'chat_refresh')?.value;
  const { page } = ada;
  await page.goto(`${ada.url}/api/v1/auth/oidc/test/start?return=/settings/security`);
  await provider.signIn(page, grace.handle);
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  await expect(page.getByText(`@${ada.username} is signed in`)).toBeVisible();
  expect(page.url()).toBe(`${ada.url}/settings/security`);
  expect(await findings(page)).toEqual([]);
  // Not now: nothing has happened.
  await page.getByRole('button', { name: 'Back' }).click();
  await expect(menu(page)).toHaveAccessibleName(new RegExp(ada.name));

  await page.goto(`${ada.url}/api/v1/auth/oidc/test/start?return=/settings/security`);
  await provider.signIn(page, grace.handle);
  await page.getByLabel('Code from your app').fill(appCode(key, 1));
  await page.getByRole('button', { name: 'Continue', exact: true }).click();
  await expect(page.getByText(`Linked as ${grace.handle}@example.org`)).toBeVisible();
  // The session before it is over.
  const old = await grace.context.request.post(`${ada.url}/api/v1/auth/refresh`, {
    headers: { Cookie: `chat_refresh=${before}` },
  });
  expect(old.ok()).toBe(false);
});

test('a refusal is explained, and nothing is left behind', async ({ newcomer, provider }) => {
  const ada = await newcomer('Ada');
  expect(provider.issuer).toContain('http');
  await ada.page.goto(`${ada.url}/signin`);
  await ada.page.getByRole('button', { name: 'Continue with Test Club' }).click();
  await ada.page.getByRole('button', { name: 'Cancel' }).click();
  await expect(ada.page.getByRole('alert')).toHaveText('You did not sign in with Test Club.');
  expect(await ada.context.cookies()).toEqual([]);
  await ada.page.goto(`${ada.url}/api/v1/auth/oidc/test/callback?code=x&state=y`);
  await expect(ada.page.getByRole('alert')).toContainText('Start again.');
});

test('the pages about providers are accessible in both themes', async ({ newcomer, provider }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const phone = colorScheme === 'dark' ? { viewport: { width: 390, height: 844 } } : {};
    const ada = await newcomer('Ada', { colorScheme, ...phone });
    await provider.add(someone(ada.handle));
    const picture = (name: string) =>
      ada.page.screenshot({ path: `../artifacts/providers-${name}-${colorScheme}.png`, fullPage: true });
    await ada.page.goto(`${ada.url}/sign-in-failed?reason=identifier-taken&provider=test`);
    await expect(ada.page.getByRole('alert')).toBeVisible();
    expect(await findings(ada.page)).toEqual([]);
    await picture('failed');
    await ada.page.goto(`${ada.url}/signin`);
    await expect(ada.page.getByRole('button', { name: 'Continue with Test Club' })).toBeVisible();
    expect(await findings(ada.page)).toEqual([]);
    await picture('signin');
    await ada.page.getByRole('button', { name: 'Continue with Test Club' }).click();
    await provider.signIn(ada.page, ada.handle);
    await expect(menu(ada.page)).toBeVisible();
    await ada.page.goto(`${ada.url}/settings/security`);
    await expect(ada.page.getByText('Linked as')).toBeVisible();
    expect(await findings(ada.page)).toEqual([]);
    await picture('settings');
  }
});
