// SPDX-License-Identifier: Apache-2.0
// The background work of the account, in one language.
import { readFileSync } from "node:fs";
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
await page.keyboard.press("Escape");

// sync files of all workspaces: errors by line and key, the list of them, and importing again
await page.locator(".segments button").nth(1).click();
await page.waitForSelector(".empty");
await accessible(page, "no sync files");
await order("send");
await page.locator(".segments button").first().click();
await page.locator(".segments button").nth(1).click();
await page.waitForFunction(() => document.querySelectorAll("tbody .badge").length === 1);
await accessible(page, "a list of sync files");
await page.click("tbody .link");
await page.waitForSelector("dialog .errors tbody tr");
const cells = await page.locator("dialog .errors tbody tr").first().locator("td").allTextContents();
assert.deepEqual(cells.slice(0, 4), ["6", "<img src=x onerror=alert(3)>", "familySize", "many"]);
await accessible(page, "an import with errors");
await picture(page, `import-${config.language}-${config.colors}`);
const [saved] = await Promise.all([page.waitForEvent("download"), page.click("dialog .import-errors a.button")]);
assert.match(readFileSync(await saved.path(), "utf8"), /\r\n6,"<img src=x onerror=alert\(3\)>","familySize","many","BadValue","int",/);
await page.locator("dialog > .dialog-body > .buttons button").click(); // again
assert.equal(await order("imports", { count: 2 }), 2);
await page.waitForFunction(() => document.querySelectorAll("dialog .errors tbody tr").length === 1);
await page.keyboard.press("Escape");
// the job of it says the same
await page.locator(".segments button").first().click();
await page.selectOption("main select", "done");
await page.locator("tbody tr").filter({ hasText: "import" }).first().locator(".link").click();
await page.waitForSelector("dialog .errors tbody tr");
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
