import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import { password } from '../person.js';

test('the settings tell what happened to the account', async ({ person, newcomer }) => {
  const [ada, other] = [await person('Ada'), await newcomer('Other')];
  const signIn = async (secret: string) => {
    await other.page.goto(`${ada.url}/signin`);
    await other.page.getByLabel('Username or e-mail').fill(ada.username);
    await other.page.getByLabel('Password', { exact: true }).fill(secret);
    await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  await signIn('not-the-password-1');
  await expect(other.page.getByRole('alert').first()).toBeVisible();
  await signIn(password);
  await expect(other.page.getByRole('button', { name: /^Your menu/ })).toBeVisible();

  await ada.open('/settings/devices');
  await ada.page.getByRole('tab', { name: 'Activity' }).click();
  const events = ada.page.getByRole('list', { name: 'Events, the newest first' }).getByRole('listitem');
  await expect(events).toHaveCount(3);
  await expect(events.nth(0)).toContainText('Signed in');
  await expect(events.nth(0)).toContainText(/ on .* · /);
  await expect(events.nth(1)).toContainText('Sign-in with a wrong password');
  await expect(events.nth(2)).toContainText('Account created');
  await expect(events.nth(2)).toContainText('(this device)');
  await expect(ada.page.getByRole('button', { name: 'Show earlier' })).toHaveCount(0);
});

test('what one did in each service is one list, and one that does not answer is told of', async ({
  person,
}) => {
  const [ada, ben] = [await person('Ada'), await person('Ben')];
  await ada.api('PATCH', '/users/me', { status_text: 'Counting' });
  await ada.api('PUT', '/contact-policy', { who_may_write: 'everyone', ask_first: true });
  await ada.api('PUT', `/users/me/blocks/${ben.user.id}`);

  const events = ada.page.getByRole('list', { name: 'Events, the newest first' }).getByRole('listitem');
  const missing = ada.page.getByText('Not everything could be loaded: something is missing from this list.');
  await ada.page.route('**/api/v1/messages/activity?*', (route) => route.abort());
  await ada.open('/settings/activity');
  await expect(missing).toBeVisible();
  await expect(events).toContainText(['You blocked somebody', 'Profile changed', 'Account created']);
  await ada.page.unroute('**/api/v1/messages/activity?*');
  await ada.page.getByRole('button', { name: 'Try again' }).click();
  await expect(missing).toHaveCount(0);
  await expect(events).toContainText([
    'You blocked somebody',
    'Who may write to you first',
    'Profile changed',
    'Account created',
  ]);
});

test('the activity page is accessible in both themes', async ({ person }) => {
  const looks = [
    { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
    { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  ] as const;
  for (const look of looks) {
    const ada = await person('Ada', look);
    await ada.page.goto(`${ada.url}/settings/activity`); // on a phone there is no list beside it
    await expect(ada.page.getByText('Account created')).toBeVisible();
    expect(await findings(ada.page), look.colorScheme).toEqual([]);
    await ada.page.screenshot({ path: test.info().outputPath(`activity-${look.colorScheme}.png`) });
    const { scroll, client } = await ada.page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
    }));
    expect(scroll, 'nothing is cut off').toBeLessThanOrEqual(client);
  }
});
