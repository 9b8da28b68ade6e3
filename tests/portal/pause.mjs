// SPDX-License-Identifier: Apache-2.0
// All uploads are paused and go on; one of them is taken out.
import { accessible, assert, config, launch, order, signIn, throttle, watch } from "./harness.mjs";

const COUNT = 40;
const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
await signIn(page);
const rate = await throttle(page, 4e5); // so slow that a busy machine pauses them before all have arrived
const transfer = await page.evaluateHandle((count) => {
  const t = new DataTransfer();
  for (let i = 0; i < count; i++) t.items.add(new File([new Uint8Array(300_000).fill(i)], `file ${i}.bin`));
  return t;
}, COUNT);
await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
await page.waitForFunction(() => document.querySelectorAll(".upload.done").length >= 2);
const acked = () => page.evaluate(() => document.querySelector(".tray progress.all").value);

// paused, waiting ones too: nothing more is acknowledged, and nothing is said to be under way
await page.click('.tray header [aria-label="Pause all"]');
await page.waitForSelector('.tray header [aria-label="Go on with all"]');
assert.equal(await page.locator(".upload.sending, .upload.waiting").count(), 0);
await accessible(page, "all uploads are paused");
const then = await acked(), stored = await order("count");
await page.click(".upload.paused >> nth=-1 >> [aria-label^=Remove]"); // one that was not begun
assert.equal(await order("count"), stored);
assert.equal(await acked(), then);

// one goes on alone, then all
await rate(4e6);
await page.click(".upload.paused >> nth=0 >> [aria-label^='Go on']");
await page.waitForFunction((n) => document.querySelector(".tray progress.all").value === n, then + 300_000);
assert.ok((await page.locator(".upload.paused").count()) > 10);
await page.click('.tray header [aria-label="Go on with all"]');
await page.waitForFunction((n) => document.querySelectorAll(".upload.done").length === n, COUNT - 1, { timeout: 60000 });
assert.equal(await order("count"), COUNT - 1);
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
