// SPDX-License-Identifier: Apache-2.0
// A folder of very many small files, to the own files or into a space; and the list of them.
import { assert, config, launch, order, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
await page.addInitScript(() => {
  // The task in which the browser makes its list of the chosen files is not one of the page.
  window.longest = 0;
  let chosen = Infinity;
  addEventListener("change", () => (chosen = performance.now()), true);
  new PerformanceObserver((list) => list.getEntries().forEach((e) => e.startTime >= chosen && (window.longest = Math.max(window.longest, e.duration)))).observe({ entryTypes: ["longtask"] });
});
await signIn(page, config.space ? `/portal/space/${config.space}` : "/portal");
await page.waitForSelector("input[webkitdirectory]", { state: "attached" });
const began = Date.now();
await page.setInputFiles("input[webkitdirectory]", config.folder_of_files);
await page.waitForFunction((n) => {
  const bar = document.querySelector(".tray progress.all");
  return bar && bar.max === n && bar.value === n;
}, config.bytes, { timeout: 200000, polling: 100 });
const seconds = (Date.now() - began) / 1000;
const longest = await page.evaluate(() => window.longest);
await page.waitForSelector("tbody tr");
if (config.space) // into the folder that was dropped, and its first one
  for (let depth = 1; depth <= 2; depth++) {
    await page.locator("tbody tr.folder a.link").first().click();
    await page.waitForFunction((n) => document.querySelectorAll(".breadcrumb li").length === n + 1, depth);
    await page.waitForSelector("tbody tr");
  }

// the list opens at once, and goes on to its end
const opened = Date.now();
await page.reload({ waitUntil: "commit" });
await page.waitForSelector("tbody tr");
const open_seconds = (Date.now() - opened) / 1000;
await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
await page.waitForFunction(() => document.querySelectorAll("tbody tr").length > 150);
assert.deepEqual(seen, []);
await order("done", { result: { seconds, longest, open_seconds } });
await browser.close();
process.exit();
