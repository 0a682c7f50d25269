import { expect, test } from '../fixtures.js';

// Each would act somewhere: as HTML, as an attribute, as a link, as markdown.
const corpus = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg/onload=alert(1)>',
  '"><iframe srcdoc="<script>parent.alert(1)</script>">',
  "'-alert(1)-'",
  'javascript:alert(1)',
  '[click](javascript:alert(1))',
  '<a href="javascript:alert(1)">x</a>',
  'data:text/html,<script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}',
  '<style>*{display:none}</style>',
  '<base href="https://evil.example/">',
  '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '\u202e<script>alert(1)</script>',
];

test('everything people write is shown as text', async ({ newcomer, person }) => {
  const alice = await newcomer('Alice');
  const bob = await person('Bob');
  const evil = '<img src=x onerror=alert(2)>';
  const registered = await alice.context.request.post(`${alice.url}/api/v1/auth/register`, {
    data: { username: `evil-${Date.now()}`, password: 'correct-horse-7-battery', display_name: evil },
  });
  expect(registered.status()).toBe(201);
  const session = (await registered.json()) as {
    access_token: string;
    user: { id: string; username: string; display_name: string };
  };
  for (const body of corpus) {
    const posted = await alice.context.request.post(`${alice.url}/api/v1/messages`, {
      headers: { Authorization: `Bearer ${session.access_token}` },
      data: { to: bob.user.id, client_id: crypto.randomUUID(), body },
    });
    expect(posted.status()).toBe(201);
  }
  await bob.open();
  const row = bob.page.getByRole('link', { name: evil });
  await expect(row).toBeVisible();
  await row.click();
  await expect(bob.bubbles).toHaveCount(corpus.length);
  await expect(bob.bubbles).toContainText(corpus);
  const bad = await bob.page.evaluate(() => ({
    elements: document.querySelectorAll(
      'main img[src=x], main iframe, main svg[onload], main base, [onerror]',
    ).length,
    links: [...document.querySelectorAll('a')]
      .map((a) => a.href)
      .filter((href) => !/^https?:|^mailto:/.test(href)),
    scripts: [...document.scripts].filter((s) => s.textContent.includes('alert')).length,
  }));
  expect(bad).toEqual({ elements: 0, links: [], scripts: 0 });
  // The fixture fails the test on any dialog, CSP report or uncaught error.
});

test('the page has a strict policy and loads nothing from elsewhere', async ({ person }) => {
  const alice = await person('Alice');
  const foreign: string[] = [];
  alice.page.on('request', (request) => {
    if (
      !request.url().startsWith(alice.url) &&
      !request.url().startsWith('data:') &&
      !request.url().startsWith('blob:')
    )
      foreign.push(request.url());
  });
  const answer = await alice.page.goto(alice.url);
  const policy = answer?.headers()['content-security-policy'] ?? '';
  for (const part of ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"])
    expect(policy).toContain(part);
  expect(policy).not.toContain('unsafe');
  await expect(alice.list).toBeVisible();
  expect(foreign).toEqual([]);
});
