// SPDX-License-Identifier: Apache-2.0
// The background work of the account, in one language.
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
await signIn(page, "/portal/jobs");
await page.waitForSelector(".empty");
await accessible(page, "no jobs");

await order("add");
await page.reload();
await page.waitForSelector("tbody tr");
assert.equal(await page.locator("tbody tr").count(), 3);
await accessible(page, "a list of jobs");
await picture(page, `jobs-${config.language}-${config.colors}`);
await page.selectOption("main select", "failed");
await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
await page.click("tbody .link");
await page.waitForSelector("dialog .facts");
assert.match(await page.textContent("dialog .facts"), /<img src=x onerror=alert\(1\)>/); // an error is a text
await accessible(page, "a job that has failed");
await picture(page, `job-${config.language}-${config.colors}`);
await page.keyboard.press("Escape");
await page.selectOption("main select", "queued");
await page.waitForFunction(() => document.querySelectorAll("tbody .job-queued").length === 1);

// events change the page while it is open: cancelled elsewhere, run again here, cancelled here
await page.click("tbody .link");
await page.waitForSelector("dialog .job-queued");
await order("cancel");
await page.waitForSelector("dialog .job-cancelled");
await page.click("dialog .buttons button"); // again
await page.waitForSelector("dialog .job-queued");
await page.click("dialog .buttons button"); // cancel
await page.waitForSelector("dialog .job-cancelled");
await accessible(page, "a job that was cancelled");
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
