import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Finding = { id: string; impact: string; nodes: { html: string; failureSummary: string }[] };

/** axe's findings against WCAG 2.2 A and AA and its best practices, as readable lines. */
export async function findings(page: Page): Promise<string[]> {
  // Once for each document: it is half a megabyte to parse.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  // What is still fading in has not its contrast yet; what spins for ever is not waited for.
  await page.evaluate(async () => {
    const ends = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ends.map((animation) => animation.finished));
  });
  const found = await page.evaluate(async () => {
    const run = (window as unknown as { axe: { run: (o: object) => Promise<{ violations: Finding[] }> } })
      .axe;
    return (await run.run({ resultTypes: ['violations'] })).violations;
  });
  return found.flatMap((v) =>
    v.nodes.map((n) => `${v.id} (${v.impact}): ${n.html.slice(0, 160)} ${n.failureSummary}`),
  );
}
