// SPDX-License-Identifier: Apache-2.0
// Bad days of large uploads over a throttled connection: two windows with one file, a file that changes while it is paused, a session that ends in
// the middle, and a disk that is full in the middle.
import { accessible, assert, config, launch, order, picture, signIn, SLOW, throttle, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const expected = [/401|423|507|ERR_|409/];
const seen = watch(page, expected);
const FAST = 8e6;
const reach = (bytes) => page.waitForFunction((n) => document.querySelector(".upload.sending progress")?.value >= n, bytes, { timeout: 60000 });
const send = (on, name) => on.setInputFiles("input[type=file][multiple]", config.files[name]);
const state = (on, name, is) => on.waitForFunction(([n, s]) => [...document.querySelectorAll(`.upload.${s}`)].some((u) => u.textContent.includes(n)), [name, is], { timeout: 60000 });


// Send a file until a part of it is acknowledged, and then so slowly that something can happen before its end.
async function sendPart(name) {
  await rate(FAST);
  await send(page, name);
  await reach(8e6);
  await rate(SLOW);
}

await signIn(page);
const rate = await throttle(page, FAST);

// two windows send one file: the second one leaves it to the first
const other = await browser.newPage();
const seenThere = watch(other, expected);
await other.goto(config.url + "/portal");
await other.waitForSelector("main h1");
await sendPart("two windows.bin");
await send(other, "two windows.bin");
await state(other, "two windows.bin", "failed");
assert.equal(await other.locator(".upload.failed .upload-state").textContent(), config.texts.error_elsewhere);
await accessible(other, "a file that another window sends");
await picture(other, `elsewhere-${config.language}-${config.colors}`);
await rate(FAST);
await state(page, "two windows.bin", "done");
assert.equal(await order("creations", { name: "two windows.bin" }), 1);
await other.close();
assert.deepEqual(seenThere, []);

// the file on the disk changes between pause and going on
await sendPart("changes.bin");
await page.click(".upload.sending .icon-button");
await state(page, "changes.bin", "paused");
await order("change", { name: "changes.bin" });
await page.click(".upload.paused .icon-button");
await state(page, "changes.bin", "changed");
assert.equal(await page.locator(".upload.changed .upload-state").textContent(), config.texts.up_changed);
await accessible(page, "a file that has changed");
await picture(page, `changed-${config.language}-${config.colors}`);
assert.deepEqual(await order("stored", { name: "changes.bin" }), []);
await page.click(".upload.changed .icon-button"); // removed, and what the server has of it, too
await page.waitForFunction(() => !document.querySelector(".upload.changed"));
await rate(FAST);
await send(page, "changes.bin"); // as it is now
await state(page, "changes.bin", "done");

// the session ends in the middle: the page asks for a sign-in, and goes on where it was
await sendPart("session.bin");
await order("end_sessions");
await page.waitForSelector("dialog[open] a.button", { timeout: 60000 });
assert.match(await page.textContent("dialog[open]"), new RegExp(config.texts.session_title));
await accessible(page, "a session that has ended in the middle of an upload");
await picture(page, `session-ended-${config.language}-${config.colors}`);
const [login] = await Promise.all([browser.waitForEvent("page"), page.click("dialog a.button")]);
await login.fill("[name=login]", config.login);
await login.fill("[name=password]", config.password);
await Promise.all([login.waitForURL(config.url + "/portal"), login.press("[name=password]", "Enter")]);
await login.close();
await page.click("dialog .quiet").catch(() => {}); // it may have looked by itself
await page.waitForSelector("dialog", { state: "detached" });
await rate(FAST);
await state(page, "session.bin", "done");
assert.equal(await order("creations", { name: "session.bin" }), 1);

// the disk is full in the middle: the page says so, and goes on by itself when there is room
await sendPart("full.bin");
await order("fill");
await page.waitForFunction((text) => document.querySelector(".upload.retrying .upload-state")?.textContent === text, config.texts.up_no_space, { timeout: 60000 });
await accessible(page, "a full disk");
await picture(page, `disk-full-${config.language}-${config.colors}`);
await order("heal");
await rate(FAST);
await state(page, "full.bin", "done");
assert.equal(await order("creations", { name: "full.bin" }), 1);
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
