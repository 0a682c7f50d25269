import { expect, test } from '../fixtures.js';
import { password } from '../person.js';

test('a reload stays signed in; signing out leaves nothing behind', async ({ person }) => {
  const [alice, bob] = [await person('Alice'), await person('Bob')];
  await bob.post(alice, 'a private word');
  await alice.open();
  await alice.row(bob).click();
  await expect(alice.bubble('a private word')).toBeVisible();
  await alice.page.reload();
  await expect(alice.bubble('a private word')).toBeVisible();
  const address = alice.page.url();

  await alice.page.getByRole('button', { name: /^Your menu/ }).click();
  await alice.page.getByRole('menuitem', { name: 'Sign out' }).click();
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await expect(alice.page.getByRole('heading', { name: 'Welcome back' })).toBeVisible();
  await expect(alice.page.getByText('a private word')).toHaveCount(0);
  expect(await alice.context.cookies()).toEqual([]);
  const stored = await alice.page.evaluate(async () => {
    const names = (await indexedDB.databases()).map((d) => d.name ?? '');
    const rows = await Promise.all(
      names.map(
        (name) =>
          new Promise<number>((done) => {
            const open = indexedDB.open(name);
            open.onsuccess = () => {
              const db = open.result;
              const stores = [...db.objectStoreNames];
              if (stores.length === 0) return done(0);
              const tx = db.transaction(stores);
              let count = 0;
              for (const store of stores) {
                const all = tx.objectStore(store).count();
                all.onsuccess = () => {
                  count += all.result;
                };
              }
              tx.oncomplete = () => done(count);
            };
          }),
      ),
    );
    return {
      rows: rows.reduce((a, b) => a + b, 0),
      local: JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }),
    };
  });
  expect(stored.rows).toBe(0);
  expect(stored.local).not.toContain('private');
  expect(stored.local).not.toContain('eyJ');

  // Signing in again leads to where one was.
  await alice.page.goto(address);
  await alice.page.getByLabel('Username or e-mail').fill(alice.username);
  await alice.page.getByLabel('Password', { exact: true }).fill(password);
  await alice.page.keyboard.press('Enter');
  await expect(alice.bubble('a private word')).toBeVisible();
  expect(alice.page.url()).toBe(address);
});

test('a wrong password and an unknown person read the same', async ({ person, newcomer }) => {
  const [alice, stranger] = [await person('Alice'), await newcomer('Stranger')];
  const { page } = stranger;
  await page.goto(stranger.url);
  await page.getByRole('tab', { name: 'Sign in' }).click();
  const texts: string[] = [];
  for (const login of [alice.username, 'nobody-at-all']) {
    await page.getByLabel('Username or e-mail').fill(login);
    await page.getByLabel('Password', { exact: true }).fill('not the password');
    const answered = page.waitForResponse('**/api/v1/auth/login');
    await page.keyboard.press('Enter');
    await answered;
    await expect(page.getByRole('alert').filter({ hasText: /\w/ })).toBeVisible();
    texts.push(await page.getByRole('alert').filter({ hasText: /\w/ }).innerText());
  }
  expect(texts).toEqual(['Wrong username, e-mail or password.', 'Wrong username, e-mail or password.']);
});

test('a session that ended elsewhere ends here, by itself', async ({ person }) => {
  const alice = await person('Alice');
  await alice.open();
  const answer = await alice.context.request.post(`${alice.url}/api/v1/auth/logout`, {
    headers: { Origin: alice.url },
  });
  expect(answer.status()).toBe(204);
  await expect(alice.page.getByLabel('Username or e-mail')).toBeVisible();
});
