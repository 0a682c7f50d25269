import { mkdirSync } from 'node:fs';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { password } from '../person.js';
import { addPasskey, appCode, saveCodes, setUpApp, signInWithPassword, signOut, virtualDevice } from '../second-step.js';

const menu = { name: /^Your menu/ };

// Each goes through many pages.
test.slow();

test('an app is set up, signs in, and a recovery code does too', async ({ person, newcomer }) => {
  const [ada, other] = [await person('Ada'), await newcomer('Other')];
  await other.page.goto(`${ada.url}/signin`);
  await signInWithPassword(other.page, ada);
  await expect(other.page.getByRole('button', menu)).toBeVisible();

  const { page } = ada;
  await ada.open('/settings/two-step');
  const { key, codes } = await setUpApp(page);
  await expect(page.getByText('After the password, sign-in asks for a code')).toBeVisible();
  // The other device is signed out at once: its socket closes.
  await expect(other.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });

  await signInWithPassword(other.page, ada);
  await expect(other.page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  const code = other.page.getByLabel('Code from your app');
  await expect(code).toBeFocused();
  await code.fill(appCode(key, -20));
  await code.press('Enter');
  await expect(other.page.getByText('That is not right, or was used already.')).toBeVisible();
  await other.page.reload();
  await expect(other.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
  await signInWithPassword(other.page, ada);
  await code.fill(appCode(key, 1)); // the one before was used to turn the app on
  await code.press('Enter');
  await expect(other.page.getByRole('button', menu)).toBeVisible();

  await signOut(other.page);
  await signInWithPassword(other.page, ada);
  await other.page.getByRole('button', { name: 'Use a recovery code' }).click();
  await other.page.getByLabel('Recovery code').fill(codes[0] ?? '');
  await other.page.getByRole('button', { name: 'Continue' }).click();
  await expect(other.page.getByRole('button', menu)).toBeVisible();

  // Turning it off takes the password and a code.
  await page.reload();
  await expect(page.getByText('9 unused codes are left.')).toBeVisible();
  await page.getByRole('button', { name: 'Remove the app' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Current password').fill(password);
  await dialog.getByLabel('Code from your app, or a recovery code').fill(codes[0] ?? '');
  await dialog.getByRole('button', { name: 'Remove the app' }).click();
  await expect(dialog.getByText('That is not right, or was used already.')).toBeVisible();
  await dialog.getByLabel('Code from your app, or a recovery code').fill(codes[1] ?? '');
  await dialog.getByRole('button', { name: 'Remove the app' }).click();
  await expect(page.getByText('The app was removed.')).toBeVisible();
  await expect(page.getByText(/^Off\./)).toBeVisible();
});

test('a passkey is added, signs in alone and after the password, and is removed', async ({ person }) => {
  const ada = await person('Ada');
  const { page } = ada;
  await virtualDevice(page, { offers: false });
  await ada.open('/settings/two-step');
  await addPasskey(page);
  await page.getByRole('button', { name: /^Rename / }).click();
  await page.getByLabel('Name of the passkey').fill('Work laptop');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Work laptop')).toBeVisible();

  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('button', menu)).toBeVisible();
  await signOut(page);
  await signInWithPassword(page, ada);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(page.getByRole('button', menu)).toBeVisible();

  // A new password, and the end of the passkey, with the passkey instead of the old password.
  await ada.open('/settings/security');
  const form = page.getByRole('region', { name: 'Password', exact: true });
  await expect(form.getByLabel('Current password')).toHaveCount(0); // asked for later, with the second step
  await form.getByLabel('New password').fill('another-horse-8-battery');
  await form.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('button', { name: 'Use a passkey instead' }).click();
  await expect(form.getByText('Your password was changed')).toBeVisible();
  await page.getByRole('tab', { name: 'Two-step sign-in' }).click();
  await expect(page.getByText(/^Last used /)).toBeVisible();
  await page.getByRole('button', { name: 'Remove Work laptop' }).click();
  await page.getByRole('button', { name: 'Use a passkey instead' }).click();
  await expect(page.getByText('The passkey was removed.')).toBeVisible();
  await expect(page.getByText('There is no passkey yet.')).toBeVisible();
  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toContainText('not accepted');
});

test('a passkey is offered where the username is typed, until something else is done', async ({ person }) => {
  const ada = await person('Ada');
  const { page } = ada;
  // What is offered, by the signals that end it.
  await page.addInitScript(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    const offers: AbortSignal[] = [];
    Object.assign(window, { offers });
    navigator.credentials.get = (options) => {
      if (options?.mediation === 'conditional' && options.signal) offers.push(options.signal);
      return get(options);
    };
  });
  const waiting = () =>
    page.evaluate(
      () => (window as unknown as { offers: AbortSignal[] }).offers.filter((one) => !one.aborted).length,
    );
  const device = await virtualDevice(page, { offers: true });
  await ada.open('/settings/two-step');
  await addPasskey(page);
  // Who is offered the passkey takes it: signed in without a click.
  await page.getByRole('button', menu).click();
  await page.getByRole('menuitem', { name: /^Sign out/ }).click();
  const again = page.waitForResponse('**/api/v1/auth/passkeys/login/finish');
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  expect((await again).status()).toBe(200);
  await expect(page.getByRole('button', menu)).toBeVisible();
  await page.reload();
  await expect(page.getByRole('button', menu)).toBeVisible();

  await device.absent();
  await signOut(page);
  await expect.poll(waiting).toBe(1);
  await page.getByRole('tab', { name: 'Create account' }).click();
  await expect.poll(waiting).toBe(0);
  await page.getByRole('tab', { name: 'Sign in' }).click();
  await expect.poll(waiting).toBe(1);
  await signInWithPassword(page, ada);
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible();
  expect(await waiting()).toBe(0);
});

test('two-step sign-in is accessible in both themes and on a phone', async ({ person, newcomer }) => {
  const pictures = '../artifacts/second-step';
  mkdirSync(pictures, { recursive: true });
  for (const [colorScheme, width] of [
    ['light', 1280],
    ['dark', 390],
  ] as const) {
    const options = { colorScheme, viewport: { width, height: 844 } };
    const [ada, stranger] = [await person('Ada', options), await newcomer('Stranger', options)];
    const { page } = ada;
    await virtualDevice(page, { offers: false });
    await ada.page.goto(`${ada.url}/settings/two-step`);
    await expect(page.getByRole('button', { name: 'Set up an app' })).toBeVisible();
    expect(await findings(page), 'off').toEqual([]);
    await page.getByRole('button', { name: 'Set up an app' }).click();
    await page.getByRole('dialog').getByLabel('Current password').fill(password);
    expect(await findings(page), 'confirm').toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Set up an app' }).click();
    await expect(page.getByRole('img', { name: /^QR code/ })).toBeVisible();
    expect(await findings(page), 'key').toEqual([]);
    await page.screenshot({ path: `${pictures}/key-${colorScheme}.png` });
    const key = await page.getByText(/^([A-Z2-7]{4} ){7}[A-Z2-7]{4}$/).innerText();
    await page.getByLabel('Code from the app').fill(appCode(key));
    await page.getByRole('button', { name: 'Turn on' }).click();
    await expect(page.getByRole('list', { name: 'Recovery codes' })).toBeVisible();
    expect(await findings(page), 'codes').toEqual([]);
    await page.screenshot({ path: `${pictures}/codes-${colorScheme}.png` });
    const codes = await saveCodes(page);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('dialog').getByLabel('Current password').fill(password);
    await page.getByLabel('Code from your app, or a recovery code').fill(codes[0] ?? '');
    await page.getByRole('dialog').getByRole('button', { name: 'Add a passkey' }).click();
    await expect(page.getByRole('button', { name: /^Rename / })).toBeVisible();
    expect(await findings(page), 'on').toEqual([]);
    await page.screenshot({ path: `${pictures}/on-${colorScheme}.png`, fullPage: true });
    await stranger.page.goto(`${ada.url}/signin`);
    await signInWithPassword(stranger.page, ada);
    await expect(stranger.page.getByRole('heading', { name: 'One more step' })).toBeVisible();
    expect(await findings(stranger.page), 'second step').toEqual([]);
    await stranger.page.screenshot({ path: `${pictures}/second-${colorScheme}.png` });
  }
});
