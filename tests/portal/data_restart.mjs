// SPDX-License-Identifier: Apache-2.0
// A large file of rows on its way to a schema: the server is killed in the middle, the page goes on, and the browser is closed once.
import { accessible, assert, config, launch, order, picture, signIn, throttle, watch } from "./harness.mjs";

const MB = 1e6, RATE = 24 * MB;
const EXPECTED = [/ERR_|50\d|423/];
let browser = await launch();
let page = await browser.newPage();
const seen = [watch(page, EXPECTED)];
const percent = () => page.evaluate(() => Number(document.querySelector(".import progress")?.value ?? 0));
const reach = (n) => page.waitForFunction((wanted) => Number(document.querySelector(".import progress")?.value ?? 0) >= wanted, n, { timeout: 120000 });
const begin = async () => {
  await page.setInputFiles("main input[type=file]", config.file);
};

await signIn(page, "/portal/data");
await page.goto(config.url + "/portal/data#rows");
await page.waitForSelector("main input[type=file]", { state: "attached" });
let rate = await throttle(page, RATE);
await begin();
await reach(20);
const before = await percent();
await order("kill");
await page.waitForFunction((text) => document.querySelector(".import [role=status]")?.textContent.includes(text), config.texts.data_interrupted.replace("{why} ", ""), { timeout: 60000 });
await accessible(page, "an import without a connection");
await picture(page, `data-interrupted-${config.language}-${config.colors}-${config.width ?? ""}`);
assert.ok((await percent()) >= before);
await order("start");
await reach(55);

// the browser is closed; the same file, chosen again, goes on where it was
await browser.close();
browser = await launch();
page = await browser.newPage();
seen.push(watch(page, EXPECTED));
await signIn(page, "/portal/data");
await page.goto(config.url + "/portal/data#rows");
rate = await throttle(page, RATE);
const offset = await order("offset");
await page.goto(config.url + "/portal");
await page.waitForSelector("main h1");
assert.equal(await page.locator(".unfinished").count(), 0); // it is no file of one's own
await page.goto(config.url + "/portal/data#rows");
await page.waitForSelector("main input[type=file]", { state: "attached" });
await begin();
await page.waitForSelector(".import.done", { timeout: 120000 });
assert.equal(await order("creations"), 1);
assert.ok(offset > 0);
assert.deepEqual(seen.flat(), []);
await order("done", { result: offset });
await browser.close();
process.exit();
