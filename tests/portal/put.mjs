// SPDX-License-Identifier: Apache-2.0
// A file of one's own is put into a folder of a space: by the keyboard, taken back, refused where its name is taken or the person may only view.
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, [/409 \(Conflict\)/, /403 \(Forbidden\)/]);
const label = `${config.language}-${config.colors}-${config.width}`;
const isPhone = config.width < 600;
await signIn(page);
const row = (name) => page.locator("tbody tr").filter({ hasText: name });
// The heading gets the focus when the window shows another folder; a key that is pressed before would go nowhere.
const heading = (text) => page.waitForFunction((t) => document.activeElement.matches(".picker h3") && (!t || document.activeElement.textContent === t), text);
const put = async () => page.locator("dialog").last().locator(".buttons > button").first().press("Enter");
const choose = (name) => page.locator(".picker li button").filter({ hasText: name }).press("Enter");
// Opens the window, by the row or, where there is no room for that, by the details of the file.
const begin = async (name) => {
  await row(name).waitFor();
  if (isPhone) {
    await row(name).locator(".link").press("Enter");
    await page.waitForFunction(() => document.querySelector("dialog[open]")?.contains(document.activeElement));
    await page.locator("dialog .buttons button").filter({ hasText: config.texts.put }).press("Enter");
  } else await row(name).locator("td.row-actions .roomy").first().press("Enter");
  await page.waitForSelector(".picker li button");
  await heading("");
};
const leave = async () => {
  while (await page.locator("dialog").count()) {
    const open = await page.locator("dialog").count();
    await page.keyboard.press("Escape");
    await page.waitForFunction((n) => document.querySelectorAll("dialog").length < n, open);
  }
};

// only spaces into which the person may put something are a choice
await begin("mine.txt");
assert.deepEqual(await page.$$eval(".picker li bdi", (all) => all.map((b) => b.textContent)), [config.space]);
assert.equal(await page.locator("dialog").last().locator(".buttons > button").first().isDisabled(), true); // no folder is chosen yet
await accessible(page, "a window to choose a space");
await picture(page, `put-space-${label}`);
await choose(config.space);
await heading(config.space);
await choose("In");
await heading("In");
await accessible(page, "a window to choose a folder of a space");
await page.locator(".picker-head .icon-button").press("Enter"); // up, and in again
await heading(config.space);
await page.locator(".picker-head .icon-button").press("Enter");
await heading(config.texts.choose_space);
await choose(config.space);
await heading(config.space);
await choose("In");
await heading("In");
await put();
await page.waitForSelector(".note .quiet");
assert.deepEqual(await order("names"), ["mine.txt"]);
await leave();
await picture(page, `put-done-${label}`);
await accessible(page, "a file that can be taken back");
assert.equal(await row("mine.txt").count(), 1); // it stays the person's own

// taken back
await page.click(".note .quiet");
await page.waitForFunction((text) => [...document.querySelectorAll(".note")].some((n) => n.textContent.includes(text)), config.texts.put_undone.replace("{name}", "mine.txt"));
assert.deepEqual(await order("names"), []);
assert.equal(await row("mine.txt").count(), 1);

// the name is taken there
await begin("mine.txt");
await choose(config.space);
await heading(config.space);
await put();
await page.waitForSelector("dialog .problem");
assert.match(await page.textContent("dialog .problem"), new RegExp(config.texts.error_name_taken.slice(0, 12)));
await accessible(page, "a name that is taken");
await picture(page, `put-taken-${label}`);
await choose("In"); // another folder
await heading("In");
await page.waitForSelector("dialog .problem", { state: "detached" });
await put();
await page.waitForSelector(".picker", { state: "detached" });
assert.deepEqual(await order("names"), ["mine.txt"]);
await leave();

// it is in a folder already
await begin("mine.txt");
await choose(config.space);
await heading(config.space);
await choose("Other");
await heading("Other");
await put();
await page.waitForSelector("dialog .problem");
await leave();

// the person may only view from now on
await begin("second.txt");
await choose(config.space);
await heading(config.space);
await order("demote");
await put();
await page.waitForSelector("dialog .problem");
assert.match(await page.textContent("dialog .problem"), new RegExp(config.texts.error_forbidden.slice(0, 12)));
await leave();
await page.reload();
await row("second.txt").waitFor();
await page.waitForFunction(() => document.querySelector(".place"));
await page.locator(".place").click();
await page.waitForFunction(() => document.querySelectorAll(".place-menu li").length === 3);
assert.equal(await page.locator("tbody td.row-actions").first().locator(".roomy").count(), 2); // rename, delete
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
