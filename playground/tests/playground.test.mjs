// Drives the built playground in a real browser against a running server:
//   KUBESTATS_URL=http://127.0.0.1:8080 npm test      (CHROMIUM names the browser; default /usr/bin/chromium)
// The server must have scanned at least one repository.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';

const serverUrl = process.env.KUBESTATS_URL && new URL(process.env.KUBESTATS_URL);
assert.ok(serverUrl, 'KUBESTATS_URL is not set: start `kubestats serve` and give its URL');

const queriesFolder = new URL('../queries/', import.meta.url);
const examples = readdirSync(queriesFolder)
  .filter((file) => file.endsWith('.graphql'))
  .sort()
  .map((file) => {
    const text = readFileSync(new URL(file, queriesFolder), 'utf8');
    const [, type, operationName] = /^(query|subscription)\s+(\w+)/m.exec(text) ?? [];
    return { file, title: /^# *(.+)/.exec(text)?.[1].trim(), operationName, isSubscription: type === 'subscription' };
  });

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      // Whatever tries to leave this host fails, and shows up as a console error.
      `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${serverUrl.hostname}`,
      // Chromium refuses its sandbox to root, which is who runs in many containers.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});

after(() => browser?.close());

/** Opens the playground as a newcomer, hands the page to `steps`, and fails on any console error or foreign request. */
async function visit(steps, { colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1440, height: 900 } });
  const problems = [];
  const workers = new Set();
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== serverUrl.origin && url.protocol !== 'data:') problems.push(`request to ${url}`);
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    // Monaco only warns when it does without a worker, and then the page stutters.
    if (message.type() === 'error' || message.type() === 'warning') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error}`));
  page.on('worker', (worker) => workers.add(/(\w+)\.worker/.exec(worker.url())?.[1]));
  try {
    const [firstAnswer, response] = await Promise.all([
      waitForAnswer(page, examples[0].operationName),
      page.goto(new URL('/playground/', serverUrl).href),
    ]);
    await steps({ page, response, workers, firstAnswer });
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** The body of the next answer to the operation of this name. */
async function waitForAnswer(page, operationName) {
  const response = await page.waitForResponse((candidate) => {
    const request = candidate.request();
    return new URL(candidate.url()).pathname === '/graphql' && request.postData()?.includes(`query ${operationName}`);
  });
  assert.equal(response.status(), 200);
  return response.json();
}

const tabTitles = (page) => page.locator('.graphiql-tab').allInnerTexts();
const listedExample = (page, title) => page.locator('.examples').getByText(title, { exact: true });
const resultText = (page) => page.locator('.result-window .view-lines').innerText();

/** What the eye sees: is the page dark, and are Monaco's editors? */
async function isDark(page) {
  const [red, green, blue] = await page
    .locator('.graphiql-container')
    .evaluate((element) => getComputedStyle(element).backgroundColor.match(/\d+/g).map(Number));
  const editor = await page.locator('.graphiql-query-editor .monaco-editor').first().getAttribute('class');
  return { page: red + green + blue < 384, editor: editor.includes('vs-dark') };
}

describe('playground', { timeout: 180_000 }, () => {
  test('a newcomer sees data at once, three example tabs and the list of examples', () =>
    visit(async ({ page, response, firstAnswer }) => {
      assert.ok(response.headers()['content-security-policy'], 'the page comes without a Content-Security-Policy');
      assert.equal(await page.title(), 'kubestats playground');
      assert.equal(firstAnswer.errors, undefined);
      assert.ok(firstAnswer.data.repositories.nodes.length > 0, 'the server has scanned no repository');
      await page.locator('.result-window').getByText('"data"').waitFor();
      assert.deepEqual(await tabTitles(page), examples.slice(0, 3).map((example) => example.operationName));
      const listed = await page.locator('.examples button strong').allInnerTexts();
      assert.deepEqual(listed, examples.map((example) => example.title));
    }));

  test('every example opens from the list and answers with data', () =>
    visit(async ({ page }) => {
      for (const { file, title, operationName } of examples.filter((example) => !example.isSubscription)) {
        const [answer] = await Promise.all([waitForAnswer(page, operationName), listedExample(page, title).click()]);
        assert.equal(answer.errors, undefined, `${file}: ${JSON.stringify(answer.errors)}`);
        assert.ok(answer.data, `${file} answers without data`);
        await page.locator('.graphiql-tab-active').getByText(operationName).waitFor();
        await page.locator('.result-window').getByText('"data"').waitFor();
      }
      const queries = examples.filter((example) => !example.isSubscription);
      assert.equal((await tabTitles(page)).length, queries.length, 'an example that is open already opens no second tab');
    }));

  test('a subscription speaks graphql-transport-ws with this server', () =>
    visit(async ({ page }) => {
      const { title, operationName } = examples.find((example) => example.isSubscription);
      // A client subscribes when the server has acknowledged it, never before.
      const subscribed = new Promise((resolve) => {
        page.on('websocket', (socket) => {
          const received = [];
          socket.on('framereceived', ({ payload }) => received.push(JSON.parse(payload).type));
          socket.on('framesent', ({ payload }) => {
            if (JSON.parse(payload).type === 'subscribe') resolve({ url: socket.url(), received });
          });
        });
      });
      await listedExample(page, title).click();
      await page.locator('.graphiql-tab-active').getByText(operationName).waitFor();
      const { url, received } = await subscribed;
      assert.equal(new URL(url).host, serverUrl.host);
      assert.deepEqual(received, ['connection_ack']);
    }));

  test('the schema completes a field, a wrong field is marked, and all workers run', () =>
    visit(async ({ page, workers }) => {
      await page.getByRole('button', { name: 'New tab' }).click();
      await page.locator('.graphiql-query-editor .view-lines').click({ position: { x: 5, y: 5 } });
      await page.keyboard.type('{ reposi', { delay: 30 });
      await page.locator('.suggest-widget').getByText('repositories').first().waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.type('tories { noSuchField } ', { delay: 10 });
      await page.locator('.graphiql-query-editor .squiggly-error').first().waitFor();
      assert.deepEqual([...workers].sort(), ['editor', 'graphql', 'json']);
    }));

  test('tabs survive a reload, and only the first visit runs a query by itself', () =>
    visit(async ({ page }) => {
      const { title, operationName } = examples.at(-1);
      await listedExample(page, title).click();
      await page.locator('.graphiql-tab-active').getByText(operationName).waitFor();
      const titles = await tabTitles(page);
      // GraphiQL stores its tabs half a second after the last change.
      await page.waitForFunction((name) => localStorage.getItem('graphiql:tabState')?.includes(name), operationName);
      await page.reload();
      await page.locator('.graphiql-tab-active').getByText(operationName).waitFor();
      await page.locator('.graphiql-query-editor').getByText(operationName).waitFor();
      assert.deepEqual(await tabTitles(page), titles);
      assert.equal((await resultText(page)).trim(), '');
    }));

  test('dark and light follow the system, and the settings overrule it', () =>
    visit(
      async ({ page }) => {
        await page.locator('.graphiql-query-editor .monaco-editor').first().waitFor();
        assert.deepEqual(await isDark(page), { page: true, editor: true });

        await page.emulateMedia({ colorScheme: 'light' });
        await page.locator('.graphiql-query-editor .monaco-editor.vs').waitFor();
        assert.deepEqual(await isDark(page), { page: false, editor: false });

        await page.getByRole('button', { name: 'Open settings dialog' }).click();
        await page.getByRole('button', { name: 'Dark' }).click();
        await page.locator('.graphiql-query-editor .monaco-editor.vs-dark').waitFor();
        assert.deepEqual(await isDark(page), { page: true, editor: true });
      },
      { colorScheme: 'dark' },
    ));

  test('without JavaScript the page says how to ask the API', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(new URL('/playground/', serverUrl).href);
    await page.locator('noscript h1').waitFor();
    assert.match(await page.locator('noscript').innerText(), /needs JavaScript[^]*curl .*\/graphql/);
    await context.close();
  });
});
