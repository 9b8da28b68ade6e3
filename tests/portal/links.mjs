// SPDX-License-Identifier: Apache-2.0
// A link by which somebody without an account uploads: made, used in a browser of its own, looked at, revoked while an upload runs.
import { accessible, assert, config, launch, order, picture, signIn, SLOW, throttle, watch } from "./harness.mjs";

const LABEL = "<img src=x onerror=alert(6)> 2026";
const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
await signIn(page, "/portal/links");
await page.waitForSelector(".empty");
await accessible(page, "no links");
await picture(page, `links-empty-${config.language}-${config.colors}`);

// made, by the keyboard; its address is shown once
await page.click(".page-head button");
await page.waitForSelector("dialog form");
await accessible(page, "a new link");
await picture(page, `links-new-${config.language}-${config.colors}`);
await page.keyboard.type(LABEL);
await page.fill("[name=files]", "3");
await page.selectOption("dialog .field-pair label:nth-of-type(3) select", String(100 << 20));
await page.selectOption("dialog .field-pair label:nth-of-type(4) select", String(100 << 20));
await page.press("[name=files]", "Enter");
await page.waitForSelector("dialog .link-address input");
const address = await page.inputValue("dialog .link-address input");
assert.match(address, /\/portal\/drop#[A-Za-z0-9]{43}$/);
await accessible(page, "the address of a link");
await picture(page, `links-made-${config.language}-${config.colors}`);
await page.click("dialog .link-address button");
assert.equal(await page.evaluate(() => navigator.clipboard.readText()), address);
await page.click("dialog .buttons button");
await page.waitForSelector("tbody .link-open");
const secret = address.split("#")[1];

// used: in another browser, without a session
const stranger = await launch(config.profile + "-2");
let drop = await stranger.newPage();
const expected = [/401|403|413|404|ERR_/];
let seen2 = watch(drop, expected);
const addresses = [];
const note = (r) => addresses.push(r.url(), r.headers().referer ?? "");
drop.on("request", note);
const first = await drop.goto(address);
assert.match(first.headers()["x-robots-tag"], /noindex/);
assert.match(first.headers()["content-security-policy"], /default-src 'none'.*trusted-types 'none'/);
await drop.waitForSelector(".limits");
assert.equal(await drop.textContent("h1"), LABEL); // a text
await accessible(drop, "a link");
await picture(drop, `drop-link-${config.language}-${config.colors}`);
await drop.setInputFiles("input[type=file][multiple]", config.files);
await drop.waitForFunction(() => document.querySelectorAll(".upload.done").length === 2);
await drop.waitForFunction(() => document.querySelector(".limits li")?.textContent.match(/\d+/)[0] === "1");
await accessible(drop, "files that have arrived by a link");
await picture(drop, `drop-link-sent-${config.language}-${config.colors}`);
assert.equal((await stranger.cookies()).length, 0);

// a large one: the page is closed in the middle, and goes on where it was; then the link is revoked
const FAST = 12e6;
let rate = await throttle(drop, FAST);
await drop.setInputFiles("input[type=file][multiple]", config.large);
await drop.waitForFunction(() => document.querySelector(".upload.sending progress")?.value > 8e6);
await rate(SLOW);
await drop.close();
assert.deepEqual(seen2, []);
drop = await stranger.newPage();
seen2 = watch(drop, expected);
drop.on("request", note);
await drop.goto(address);
await drop.waitForSelector(".begun");
assert.equal(await drop.locator(".limits").count(), 0); // what was begun counts, so the link takes no more
const offset = await order("offset");
assert.ok(offset >= 8e6);
await accessible(drop, "an unfinished upload by a link");
await picture(drop, `drop-link-begun-${config.language}-${config.colors}`);
rate = await throttle(drop, FAST);
await drop.setInputFiles("input[type=file][multiple]", config.large);
await drop.waitForFunction((n) => document.querySelector(".upload.sending progress")?.value > n, offset);
await rate(SLOW);
assert.equal(await order("count"), 3);

// looked at by its maker
await page.click("tbody .link");
await page.waitForSelector("dialog .came li");
assert.deepEqual((await page.locator("dialog .came bdi").allTextContents()).sort(), [...config.names].sort());
await page.waitForFunction(() => document.querySelector("dialog .link-full")); // as it is now
await accessible(page, "a link and what came by it");
await picture(page, `links-details-${config.language}-${config.colors}`);
await page.click("dialog .buttons .quiet"); // revoke
await page.waitForSelector("tbody .link-revoked");
await rate(FAST);
await page.reload();
await page.waitForSelector("tbody .link-revoked");
await accessible(page, "a link that was revoked");
await picture(page, `links-${config.language}-${config.colors}`);
await drop.waitForSelector(".empty:not(.drop)"); // by itself: what ran has ended
await accessible(drop, "a link that has ended");
await picture(drop, `drop-link-over-${config.language}-${config.colors}`);
assert.ok(!addresses.some((a) => a.includes(secret) && !a.startsWith(address)), "the secret was sent in an address");
assert.deepEqual(seen, []);
assert.deepEqual(seen2, []);
await order("done", { result: { secret } });
await stranger.close();
await browser.close();
process.exit();
