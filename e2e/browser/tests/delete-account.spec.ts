import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { password } from '../person.js';

test('somebody deletes the account: it is over on all devices, and who is left can read', async ({
  person,
  newcomer,
}) => {
  test.setTimeout(150_000);
  const [ada, ben, other] = [await person('Ada'), await person('Ben'), await newcomer('Other')];
  const { conversation_id } = await ada.post(ben, 'Hello from Ada');
  await other.page.goto(`${ada.url}/signin`);
  await other.page.getByLabel('Username or e-mail').fill(ada.username);
  await other.page.getByLabel('Password', { exact: true }).fill(password);
  await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(other.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();

  await ben.open(`/c/${conversation_id}`);
  await expect(ben.composer).toBeVisible();
  await ada.open('/settings/security');
  const { page } = ada;
  await expect(page.getByText('stays with the people you wrote to')).toBeVisible();
  await page.getByRole('button', { name: 'Delete account…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete your account?' });
  await expect(dialog.getByLabel(/^Type your username/)).toBeFocused();
  await dialog.getByLabel(/^Type your username/).fill('somebody');
  await dialog.getByLabel('Current password').fill(password);
  await dialog.getByRole('button', { name: 'Delete account for good' }).click();
  await expect(dialog.getByText('This is not your username.')).toBeVisible();
  await dialog.getByLabel(/^Type your username/).fill(ada.username);
  await dialog.getByLabel('Current password').fill('not the one');
  await dialog.getByRole('button', { name: 'Delete account for good' }).click();
  await expect(dialog.getByText('The current password is not right.')).toBeVisible();
  await dialog.getByLabel('Current password').fill(password);
  await page.keyboard.press('Enter');

  await expect(page.getByText('Your account was deleted. Good-bye!')).toBeVisible();
  await expect(page).toHaveURL(/\/signin$/);
  await expect(other.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible({ timeout: 10_000 });
  await page.getByLabel('Username or e-mail').fill(ada.username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByText('Wrong username, e-mail or password.')).toBeVisible();

  await expect(ben.page.getByRole('heading', { name: 'Deleted user' })).toBeVisible();
  await expect(ben.page.getByText('This account was deleted.')).toBeVisible();
  await expect(ben.timeline.getByText('Hello from Ada')).toBeVisible();
  await expect(ben.page.getByText(/@deleted/)).toHaveCount(0);
  await expect(ben.composer).toHaveCount(0);
});

test('the dialog and the good-bye are accessible in both themes', async ({ person }) => {
  test.setTimeout(150_000);
  for (const [colorScheme, viewport] of [
    ['light', { width: 1280, height: 800 }],
    ['dark', { width: 390, height: 844 }],
  ] as const) {
    const ada = await person('Ada', { colorScheme, viewport });
    await ada.page.goto(`${ada.url}/settings/security`);
    await expect(ada.page.getByRole('button', { name: 'Delete account…' })).toBeEnabled();
    expect(await findings(ada.page)).toEqual([]);
    await ada.page.getByRole('button', { name: 'Delete account…' }).click();
    const dialog = ada.page.getByRole('dialog');
    await expect(dialog).toBeVisible();
    expect(await findings(ada.page)).toEqual([]);
    if (process.env.CHATAPP_SHOTS)
      await ada.page.screenshot({ path: `${process.env.CHATAPP_SHOTS}/delete-${colorScheme}.png` });
    await dialog.getByLabel(/^Type your username/).fill(ada.username);
    await dialog.getByLabel('Current password').fill(password);
    await dialog.getByRole('button', { name: 'Delete account for good' }).click();
    await expect(ada.page.getByText('Good-bye!')).toBeVisible();
    expect(await findings(ada.page)).toEqual([]);
    if (process.env.CHATAPP_SHOTS)
      await ada.page.screenshot({ path: `${process.env.CHATAPP_SHOTS}/bye-${colorScheme}.png` });
  }
});
