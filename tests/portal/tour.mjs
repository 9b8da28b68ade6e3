// SPDX-License-Identifier: Apache-2.0
// What a newcomer does first: signs in by the link, drops files, sees them arrive, imports rows and gets a chart. The pictures of README.md come from here.
import { accessible, assert, config, launch, order, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
let requests = 0;
page.on("request", () => requests++);
await page.setViewportSize({ width: 1120, height: 640 });
const began = Date.now();
await page.goto(`${config.url}/portal/enter#${config.secret}`);
await page.waitForSelector(".empty.drop");
const ready_seconds = (Date.now() - began) / 1000;
assert.ok(requests <= 30, `${requests} requests`);
await page.setInputFiles("input[type=file][multiple]", config.files);
await page.waitForFunction((n) => document.querySelectorAll(".tray .upload.done").length === n, config.files.length);
await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, config.files.length);
await accessible(page, "the first files");
if (config.pictures) await page.screenshot({ path: `${config.pictures}/portal-upload.png` });
await page.click(".tray header button:last-of-type");
await page.locator("tbody tr").filter({ hasText: "notes" }).locator(".link").click();
await page.waitForSelector("pre.preview");
await page.keyboard.press("Escape");
await page.emulateMedia({ colorScheme: "dark" });
await page.click("a[href='/portal/data']");
await page.waitForSelector(".empty.drop");
await page.setInputFiles("main input[type=file]", config.rows);
await page.click("dialog .columns ~ .buttons button");
await page.waitForSelector(".import.done");
await page.locator(".ideas .chip").nth(1).click();
await page.waitForSelector(".chart canvas");
await page.waitForFunction(() => document.querySelectorAll(".rows tbody tr").length === 8);
await accessible(page, "the first chart");
await page.click(".import .icon-button");
await page.setViewportSize({ width: 1120, height: 800 });
const chart = () => page.locator(".chart").evaluate((e) => {
  const { top, bottom } = e.getBoundingClientRect();
  return { top, bottom };
});
await page.setViewportSize({ width: 1120, height: Math.ceil((await chart()).bottom) + 14 }); // the picture ends behind the chart, before what follows it
const bars = await page.locator(".chart .u-over").boundingBox();
await page.mouse.move(bars.x + bars.width * 0.3, bars.y + bars.height / 2); // the values of a bar are in the legend
await page.waitForFunction(() => /\d/.test(document.querySelector(".chart .u-legend").textContent));
if (config.pictures) await page.screenshot({ path: `${config.pictures}/portal-chart.png` });
assert.deepEqual(seen, []);
await order("done", { result: { requests, ready_seconds } });
await browser.close();
process.exit();
