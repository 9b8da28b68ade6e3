// SPDX-License-Identifier: Apache-2.0
// What the flows of the portal share: Chromium, a signed-in page, axe, screenshots, and orders to the Python side (flows.py).
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";

const require = createRequire(new URL("../../src/portal/package.json", import.meta.url));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const config = JSON.parse(process.env.FLOW);
const TIMEOUT_MS = 60_000; // of each wait; other tests run beside the flows, on two cores
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// Let the test do something, such as killing the server. Returns what it answers.
export async function order(name, details = {}) {
  process.stdout.write(JSON.stringify({ order: name, ...details }) + "\n");
  const { value } = await answers.next();
  return JSON.parse(value);
}

export async function launch(profile = config.profile) {
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: config.chromium, headless: true, locale: config.language ?? "en", colorScheme: config.colors ?? "light",
    reducedMotion: "reduce", // axe would see a text that is half there
    viewport: { width: config.width ?? 1280, height: 800 }, acceptDownloads: true, permissions: ["clipboard-read", "clipboard-write"],
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
           `--host-resolver-rules=${(config.hosts ?? []).map((h) => `MAP ${h} 127.0.0.1, `).join("")}MAP * ~NOTFOUND, EXCLUDE 127.0.0.1`],
  });
  browser.setDefaultTimeout(TIMEOUT_MS);
  return browser;
}

// Everything that a page did which no page of ours should do. `expected`: patterns of messages that a flow brings about.
export function watch(page, expected = []) {
  const seen = [];
  process.on("uncaughtException", (error) => {
    console.error(error.stack, "\nWhat the page said:", seen);
    process.exit(1);
  });
  page.on("console", (m) => m.type() === "error" && !expected.some((e) => e.test(m.text())) && seen.push(`${m.text()} ${m.location().url}`));
  page.on("pageerror", (e) => seen.push(String(e.stack ?? e)));
  page.on("dialog", (d) => (seen.push(`a dialog: ${d.message()}`), d.dismiss()));
  page.on("request", (r) => !/^(blob:|data:)/.test(r.url()) && !r.url().startsWith(config.url) && !(config.files_url && r.url().startsWith(config.files_url)) && seen.push(`a request to ${r.url()}`));
  return seen;
}

export async function signIn(page, path = "/portal") {
  await page.goto(config.url + path);
  await page.fill("[name=login]", config.login);
  await page.fill("[name=password]", config.password);
  await page.press("[name=password]", "Enter");
  await page.waitForURL(config.url + path);
  await page.waitForSelector("main h1");
}

// Limit the rate at which a page sends, in bytes a second. Returns a function that changes it, also for what is being sent: a flow goes slowly
// while something is to happen in the middle of an upload, because on a busy machine even a click takes seconds.
export async function throttle(page, rate) {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send("Network.enable");
  const set = (uploadThroughput) => protocol.send("Network.emulateNetworkConditions", { offline: false, latency: 10, downloadThroughput: -1, uploadThroughput });
  await set(rate);
  return set;
}
export const SLOW = 500_000;

// Wait for what the page does not show, such as the end of a worker, for which playwright has no waiting of its own.
export async function until(isSo, what) {
  for (const deadline = Date.now() + TIMEOUT_MS; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 20)))
    assert.ok(Date.now() < deadline, what);
}

// No violation of axe's rules, those of WCAG 2.2 AA among them.
export async function accessible(page, name) {
  if (!(await page.evaluate(() => Boolean(window.axe)))) await page.evaluate(AXE + ";void 0");
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 200))]), [], name);
}

export async function picture(page, name) {
  if (process.env.CAIS_SCREENSHOTS) await page.screenshot({ path: `${process.env.CAIS_SCREENSHOTS}/${name}.png` });
}

export { assert };
