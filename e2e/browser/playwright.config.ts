import { defineConfig } from '@playwright/test';

// Debian's Chromium: this machine cannot download Playwright's own.
export default defineConfig({
  testDir: './tests',
  outputDir: '../artifacts/browser',
  reporter: [['list'], ['json', { outputFile: '../artifacts/browser-report.json' }]],
  timeout: 60_000,
  expect: { timeout: 15_000 },
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    // A trace films every page, which takes the browser more time than the test does: `npx playwright
    // test --trace retain-on-failure tests/<one>.spec.ts` makes one. What failed leaves its last picture.
    trace: 'off',
    screenshot: 'only-on-failure',
  },
});
