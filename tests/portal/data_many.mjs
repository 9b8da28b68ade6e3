// SPDX-License-Identifier: Apache-2.0
// A schema of 100,000 rows: the page has those of one page of the result, whichever it shows.
import { assert, config, launch, order, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
const shows = (first, count) => page.waitForFunction(([text, n]) => {
  const rows = document.querySelectorAll(".rows tbody tr");
  return rows.length === n && rows[0].firstChild.textContent === text;
}, [String(first), count]);

await signIn(page, "/portal");
await page.goto(`${config.url}/portal/data#many`);
await shows(0, 100);
for (let at = 1; at <= 5; at++) {
  await page.click(".paging button:last-child");
  await shows(at * 100, 100);
}
await page.click(".paging button:first-child");
await shows(400, 100);
await page.locator(".ideas .chip").last().click();
await page.locator(".controls fieldset").nth(2).locator("select").last().selectOption("1000");
await shows(0, 1000);
await page.locator(".controls fieldset").nth(2).locator("select").first().selectOption("n");
await page.locator(".controls fieldset").nth(2).locator("select").nth(1).selectOption("desc");
await shows(99_999, 1000);
await page.locator(".segments button").nth(2).click(); // the numbers of a page as a line
await page.waitForSelector(".chart canvas");
const [saved] = await Promise.all([page.waitForEvent("download"), page.locator(".bar > button").nth(1).click()]);
assert.ok(await saved.path());
assert.deepEqual(seen, []);
await order("done", { result: { path: await saved.path(), lines: (await (await import("node:fs/promises")).readFile(await saved.path(), "utf8")).trim().split("\n").length } });
await browser.close();
process.exit();
