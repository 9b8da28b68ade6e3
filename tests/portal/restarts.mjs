// SPDX-License-Identifier: Apache-2.0
// A large file over a slow connection: paused, the server killed twice, the browser closed once.
import { accessible, assert, config, launch, order, picture, signIn, SLOW, throttle, watch } from "./harness.mjs";

const MB = 1e6;
const EXPECTED = [/ERR_|50\d|401|423/];
let browser = await launch();
let page = await browser.newPage();
let seen = watch(page, EXPECTED);

const FAST = 40 * MB;
const acked = () => page.evaluate(() => document.querySelector(".tray progress.all")?.value ?? 0);
const reach = (bytes) => page.waitForFunction((n) => document.querySelector(".tray progress.all")?.value >= n, bytes, { timeout: 120000 });

await signIn(page);
let rate = await throttle(page, FAST);
await page.setInputFiles("input[type=file][multiple]", config.file);
await reach(20 * MB);
await rate(SLOW);
await accessible(page, "an upload under way");
await picture(page, `sending-${config.language}-${config.colors}`);
assert.match(await page.textContent(".tray-title p"), /\/s/);

// paused: the server gets nothing more
await page.click(".upload .icon-button");
await page.waitForSelector(".upload.paused");
await accessible(page, "an upload that is paused");
await rate(FAST);
await page.click(".upload.paused .icon-button");
await reach(60 * MB);

// the server is killed in the middle; the page goes on by itself, and never says that bytes went back
const before = await acked();
await order("kill");
await page.waitForSelector(".upload.retrying", { timeout: 60000 });
await accessible(page, "no connection");
await picture(page, `retrying-${config.language}-${config.colors}`);
assert.ok((await acked()) >= before);
assert.ok((await order("start")) >= before, "the page said more than the server has");
await reach(130 * MB);

// the browser is closed
await browser.close();
browser = await launch();
page = await browser.newPage();
seen = watch(page, EXPECTED);
await signIn(page);
await page.waitForSelector(".unfinished li");
await accessible(page, "an unfinished upload of an earlier visit");
await picture(page, `unfinished-${config.language}-${config.colors}`);
rate = await throttle(page, FAST);
const offset = await order("offset");
await page.setInputFiles("input[type=file][multiple]", config.file);
await reach(offset + 1);
await reach(200 * MB);
await order("kill");
await page.waitForSelector(".upload.retrying", { timeout: 60000 });
await order("start");
await page.waitForSelector(".upload.done", { timeout: 120000 });
await page.waitForSelector("tbody tr");
assert.equal(await page.locator(".unfinished").count(), 0);
assert.equal(await order("creations"), 1);
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
