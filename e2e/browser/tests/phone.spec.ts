import { devices } from '@playwright/test';
import { expect, test } from '../fixtures.js';

const { defaultBrowserType: _, ...phone } = devices['iPhone 13'] ?? {};

test('one pane on a phone: list, conversation, back', async ({ person }) => {
  const [alice, bob] = [await person('Alice', phone), await person('Bob', phone)];
  await bob.post(alice, 'hello');
  await alice.open();
  await expect(alice.row(bob)).toBeVisible();
  await expect(alice.composer).toHaveCount(0);
  await alice.row(bob).tap();
  await expect(alice.bubble('hello')).toBeVisible();
  await expect(alice.row(bob)).not.toBeInViewport();
  await alice.send('from the phone');
  await alice.delivered('from the phone');
  await expectNoSidewaysScroll(alice.page);
  await alice.page
    .getByRole('link', { name: 'Back to all conversations' })
    .or(alice.page.getByRole('button', { name: 'Back to all conversations' }))
    .tap();
  await expect(alice.row(bob)).toContainText('You: from the phone');
  await expectNoSidewaysScroll(alice.page);
  // The phone's own back button does the same.
  await alice.row(bob).tap();
  await expect(alice.bubble('from the phone')).toBeVisible();
  await alice.page.goBack();
  await expect(alice.row(bob)).toBeInViewport();
  await expect(alice.composer).toHaveCount(0);
});

test('nothing is wider than 320 pixels, whatever people write', async ({ person }) => {
  const narrow = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };
  const [alice, bob] = [await person('Alice', narrow), await person('Bob')];
  await bob.post(alice, 'w'.repeat(500));
  await bob.post(alice, `https://example.com/${'path/'.repeat(60)}`);
  await alice.open();
  await expectNoSidewaysScroll(alice.page);
  await alice.row(bob).tap();
  await expect(alice.bubbles).toHaveCount(2);
  await expectNoSidewaysScroll(alice.page);
  const wide = await alice.bubbles.evaluateAll(
    (all) =>
      all.filter((b) => b.scrollWidth > b.clientWidth + 1 || b.getBoundingClientRect().right > innerWidth)
        .length,
  );
  expect(wide).toBe(0);
});

test('the open tab of the settings is in view', async ({ person }) => {
  const ada = await person('Ada', phone);
  const { page } = ada;
  const tab = (name: string) => page.getByRole('tab', { name });
  await page.goto(`${ada.url}/settings/blocked`);
  await expect(tab('Blocked people')).toBeInViewport({ ratio: 1 });
  await expect(tab('Profile')).not.toBeInViewport();
  await tab('Activity').tap();
  await expect(page.getByRole('tabpanel', { name: 'Activity' })).toBeVisible();
  await expect(tab('Activity')).toBeInViewport({ ratio: 1 });
  await expect(tab('Blocked people')).toBeInViewport();
  await expectNoSidewaysScroll(page);
  await page.goto(`${ada.url}/settings`);
  await expect(tab('Profile')).toBeInViewport({ ratio: 1 });
});

async function expectNoSidewaysScroll(page: import('@playwright/test').Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
}
