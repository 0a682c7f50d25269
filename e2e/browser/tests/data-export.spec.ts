import { readFile } from 'node:fs/promises';
import { findings } from '../axe.js';
import { expect, test } from '../fixtures.js';
import type { Message } from '../person.js';
import { unzip } from '../unzip.js';

type Conversation = { id: string; file: string; messages: number; with: { username: string } };

test('somebody downloads their data and finds all of it in the file', async ({ person }) => {
  test.setTimeout(150_000);
  const [ada, ben, eve] = [await person('Ada'), await person('Ben'), await person('Eve')];
  const hello = await ada.post(ben, 'Hello Ben, <b>here</b> is the file 👩‍💻');
  await Promise.all(Array.from({ length: 30 }, (_, n) => ben.post(ada, `answer ${n}`)));
  await ada.post(ada, 'a note to myself');
  await ben.post(eve, 'nothing of Ada in it');

  await ada.open('/settings/security');
  const { page } = ada;
  const section = page.getByRole('region', { name: 'Download my data' });
  await section.getByRole('button', { name: 'Prepare the file' }).click();
  await expect(section.getByText(/^Your file is ready: /)).toBeVisible();
  await page.reload();
  await expect(section.getByText(/^Your file is ready: [\d.]+ kB\. It can be downloaded until /)).toBeVisible();

  const addresses: string[] = [];
  page.on('request', (request) => addresses.push(request.url()));
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    section.getByRole('button', { name: 'Download', exact: true }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('chatapp-data.zip');
  await expect(section.getByText('The file was downloaded.')).toBeVisible();
  expect(addresses.filter((url) => url.endsWith('/file'))).toHaveLength(1);
  expect(addresses.filter((url) => /token|eyJ/.test(url))).toEqual([]);

  const files = unzip(await readFile(await download.path()));
  const read = <T>(name: string) => JSON.parse(files.get(name)?.toString('utf8') ?? 'null') as T;
  expect(read<{ username: string }>('account.json').username).toBe(ada.username);
  expect(read<{ display_name: string }>('profile.json').display_name).toBe(ada.name);
  expect(read<{ event: string }[]>('activity.json').map(({ event }) => event)).toContain('sign-up');
  expect(read<unknown[]>('sessions.json')).toHaveLength(1);
  expect(files.get('README.txt')?.toString()).toContain('conversations/ID.json');
  const index = read<Conversation[]>('conversations.json');
  expect(index.map((one) => [one.with.username, one.messages]).sort()).toEqual(
    [
      [ada.username, 1],
      [ben.username, 31],
    ].sort(),
  );
  const withBen = index.find(({ id }) => id === hello.conversation_id);
  const { messages } = read<{ messages: Message[] }>(withBen?.file ?? '');
  expect(messages).toHaveLength(31);
  expect(messages[0]).toEqual(hello);
  expect(messages).toEqual(await ada.history(ben));
  for (const [name, data] of files)
    expect(data.toString(), name).not.toMatch(/nothing of Ada in it|argon2|eyJ|correct-horse/);

  // Nobody else gets it; and it can be deleted.
  const { export: file } = await ada.api<{ export: { id: string } }>('GET', '/data-exports');
  await expect(ben.api('GET', `/data-exports/${file.id}/file`)).rejects.toThrow('404');
  await section.getByRole('button', { name: 'Delete the file' }).click();
  await expect(section.getByRole('button', { name: 'Prepare the file' })).toBeVisible();
  await expect(ada.api('GET', `/data-exports/${file.id}/file`)).rejects.toThrow('404');
});

test('progress is shown while the file is made', async ({ person }) => {
  const ada = await person('Ada');
  // The server is too fast for eyes: what it says on the way is put in its mouth.
  const said = [
    { state: 'waiting', done: 0, total: 0 },
    { state: 'running', done: 500, total: 2000 },
    { state: 'running', done: 1500, total: 2000 },
  ];
  await ada.page.route('**/api/v1/data-exports', async (route) => {
    if (route.request().method() === 'POST' || said.length === 0) return route.continue();
    const answer = await (await route.fetch()).json();
    if (answer.export) Object.assign(answer.export, { state: 'running', ...said.shift() });
    await route.fulfill({ json: answer });
  });
  await ada.open('/settings/security');
  const section = ada.page.getByRole('region', { name: 'Download my data' });
  await section.getByRole('button', { name: 'Prepare the file' }).click();
  const bar = section.getByRole('progressbar', { name: 'Messages in the file' });
  await expect(section.getByText('Making the file: 500 of 2,000 messages')).toBeVisible();
  await expect(bar).toHaveAttribute('value', '500');
  await expect(section.getByText('Making the file: 1,500 of 2,000 messages')).toBeVisible();
  await expect(section.getByText(/^Your file is ready: /)).toBeVisible();
  await expect(bar).toHaveCount(0);
});

for (const look of [
  { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const) {
  test(`the section is accessible and nothing is cut off, ${look.colorScheme}`, async ({ person }) => {
    test.setTimeout(150_000);
    const ada = await person('Ada', look);
    const shot = async (name: string) => {
      await section.scrollIntoViewIfNeeded();
      const path = process.env.CHATAPP_SHOTS ?? test.info().outputDir;
      await ada.page.screenshot({ path: `${path}/export-${name}-${look.colorScheme}.png` });
      expect(await findings(ada.page), `${name}, ${look.colorScheme}`).toEqual([]);
    };
    let running = true;
    await ada.page.route('**/api/v1/data-exports', async (route) => {
      if (route.request().method() === 'POST' || !running) return route.continue();
      const answer = await (await route.fetch()).json();
      if (answer.export) Object.assign(answer.export, { state: 'running', done: 12_345, total: 20_000 });
      await route.fulfill({ json: answer });
    });
    await ada.page.goto(`${ada.url}/settings/security`);
    const section = ada.page.getByRole('region', { name: 'Download my data' });
    await section.getByRole('button', { name: 'Prepare the file' }).click();
    await expect(section.getByText('12,345 of 20,000')).toBeVisible();
    await shot('running');
    running = false;
    await expect(section.getByText(/^Your file is ready: /)).toBeVisible();
    await shot('ready');
    const { scroll, client } = await ada.page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
    }));
    expect(scroll, 'nothing is cut off').toBeLessThanOrEqual(client);
    await ada.page.getByRole('button', { name: 'Delete account…' }).click();
    await expect(ada.page.getByRole('dialog').getByText('download it first')).toBeVisible();
  });
}
