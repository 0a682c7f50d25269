import { expect, test } from '../fixtures.js';

test('Enter sends, Shift+Enter breaks the line, blanks do nothing', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await alice.open();
  await alice.find(bob);
  await alice.composer.press('Enter');
  await alice.composer.fill('   \n ');
  await alice.composer.press('Enter');
  await alice.composer.fill('');
  await alice.composer.pressSequentially('line one');
  await alice.composer.press('Shift+Enter');
  await alice.composer.pressSequentially('line two');
  await expect(alice.composer).toHaveValue('line one\nline two');
  await alice.composer.press('Enter');
  await expect(alice.composer).toHaveValue('');
  await expect(alice.composer).toBeFocused();
  await expect(alice.bubbles).toHaveCount(1);
  await expect(alice.bubbles.getByText('Sent', { exact: true })).toBeAttached();
  await alice.composer.fill('by the button');
  await alice.page.getByRole('button', { name: 'Send message' }).click();
  await expect(alice.bubbles).toHaveCount(2);
  await alice.delivered('by the button');
  expect((await alice.history(bob)).map((m) => m.body)).toEqual(['line one\nline two', 'by the button']);
});

test('what is written is sent once, however often Enter is pressed', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await alice.open();
  await alice.find(bob);
  await alice.composer.fill('only once');
  await Promise.all([
    alice.composer.press('Enter'),
    alice.composer.press('Enter'),
    alice.page
      .getByRole('button', { name: 'Send message' })
      .click({ force: true, timeout: 1000 })
      .catch(() => {}),
  ]);
  await alice.delivered('only once');
  expect((await alice.history(bob)).map((m) => m.body)).toEqual(['only once']);
});

test('a refused message keeps its text, and Retry sends the same one', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await alice.open();
  await alice.find(bob);
  const tried: string[] = [];
  await alice.page.route('**/api/v1/messages', async (route) => {
    tried.push((route.request().postDataJSON() as { client_id: string }).client_id);
    await route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      body: JSON.stringify({ type: '/problems/forbidden', title: 'Forbidden', status: 403 }),
    });
  });
  await alice.send('do not lose me');
  await expect(alice.state('do not lose me', /^Not sent/)).toBeAttached();
  await alice.page.reload(); // not even a reload loses it
  await expect(alice.state('do not lose me', /^Not sent/)).toBeAttached();
  await alice.page.unroute('**/api/v1/messages');
  await alice.bubble('do not lose me').getByRole('button', { name: 'Retry' }).click();
  await alice.delivered('do not lose me');
  const history = await alice.history(bob);
  expect(history.map((m) => m.body)).toEqual(['do not lose me']);
  expect(tried).toContain(history[0]?.client_id);
});

test('a draft stays with its conversation, over switching and reloading', async ({ person }) => {
  const [alice, bob, carol] = [await person('Alice'), await person('Bob'), await person('Carol')];
  await bob.post(alice, 'one');
  await carol.post(alice, 'two');
  await alice.open();
  await alice.row(bob).click();
  await alice.composer.fill('half a thought');
  await alice.row(carol).click();
  await expect(alice.composer).toHaveValue('');
  await expect(alice.row(bob)).toContainText('Draft: half a thought');
  await alice.page.reload();
  await alice.row(bob).click();
  await expect(alice.composer).toHaveValue('half a thought');
});
