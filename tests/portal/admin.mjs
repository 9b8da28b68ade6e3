// SPDX-License-Identifier: Apache-2.0
// Administration, in one language: users, keys, storage, health, the audit log; and, if the flow is to be whole, what is the same in all of
// them: windows that refuse, a person who chooses a password, a phone, and who may not see any of it.
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, [/409/, /403/, /401/]);
const shot = (name) => picture(page, `admin-${name}-${config.language}-${config.colors}`);
const open = (name) => page.click(`#tab-${name}`);
const close = () => page.keyboard.press("Escape");
const gone = async (secret, where) => assert.ok(!(await page.evaluate(() => document.documentElement.outerHTML)).includes(secret), `a secret is still in the page: ${where}`);

// ---- users
await signIn(page, "/portal/admin");
await page.waitForSelector("tbody tr");
assert.equal(await page.locator("tbody tr").count(), config.users);
assert.equal(await page.locator("img[src=x]").count(), 0);
await accessible(page, "users");
await shot("users");
await page.click(".part-head button");
await page.fill("[name=login]", "carol");
await page.fill("[name=name]", "<b onclick=alert(1)>Carol</b>");
if (config.whole) await accessible(page, "a new user");
await page.click("dialog form button");
await page.waitForSelector("dialog", { state: "detached" });
if (config.whole) {
  await page.click(".part-head button");
  await page.fill("[name=login]", "carol");
  await page.click("dialog form button");
  await page.waitForSelector("dialog .problem"); // the name is taken
  await accessible(page, "a user name that is taken");
  await close();
}

const carol = page.locator("tbody .link", { hasText: "carol" });
const button = (n) => page.locator("dialog .buttons").first().locator("button").nth(n);
await carol.click();
await button(0).click(); // an administrator
await page.waitForFunction(() => document.querySelector("dialog .facts").textContent.length > 0);
await button(3).click(); // a password
await page.fill("dialog [name=fresh]", "long enough 1");
await page.fill("dialog [name=again]", "another one 2");
await page.click("dialog .inset button");
await page.waitForSelector("dialog .inset .problem");
if (config.whole) await accessible(page, "two passwords that differ");
await shot("user");
await page.fill("dialog [name=again]", "long enough 1");
await page.click("dialog .inset button");
await page.waitForSelector("dialog .inset", { state: "detached" });
await button(2).click(); // a link
await page.click("dialog .inset button");
const link = await page.textContent("dialog .secret");
assert.match(link, /\/portal\/enter#\w{43}$/);
if (config.whole) await accessible(page, "a link");
await close();
await gone(link.split("#")[1], "a link that was closed");
// ---- the person with the link
if (config.whole) {
  await browser.clearCookies();
  await page.goto(link);
  await page.waitForSelector(".banner");
  await accessible(page, "no password yet");
  await page.click(".banner button");
  await page.fill("dialog [name=fresh]", "my own words 3");
  await page.fill("dialog [name=again]", "my own words 3");
  await accessible(page, "one's own password");
  await shot("own");
  await page.click("dialog form .buttons button");
  await page.waitForURL(/\/portal\/login/);
  const administrator = [config.login, config.password];
  [config.login, config.password] = ["carol", "my own words 3"];
  await signIn(page);
  assert.equal(await page.locator(".banner").count(), 0);
  [config.login, config.password] = administrator;
  await browser.clearCookies();
  await signIn(page, "/portal/admin");
}

// ---- keys
await open("keys");
await page.waitForSelector(".empty, tbody tr");
await accessible(page, "keys");
const lines = [];
for (const api of config.apis) {
  await page.click(".part-head > button");
  await page.selectOption("dialog [name=for]", api);
  await page.fill("dialog [name=login]", config.hostile);
  if (await page.locator("dialog [name=workspace]").count()) {
    await page.fill("dialog [name=workspace]", "agency");
    await page.fill("dialog [name=bucket]", "main");
    await page.fill("dialog [name=expires]", "2099-01-31T18:00");
  }
  if (api === config.apis[0] && config.whole) await accessible(page, "a new key");
  await page.click("dialog form .buttons button");
  await page.waitForSelector("dialog .secret-part");
  const names = await page.locator("dialog .parts dt").allTextContents(), parts = await page.locator("dialog .secret-part").allTextContents();
  lines.push(await page.textContent("dialog .secret"));
  if (api === config.apis[0]) {
    await accessible(page, "a key that is shown once");
    await shot("key");
  }
  await page.click("dialog .buttons.last button");
  await page.waitForSelector("dialog", { state: "detached" });
  for (const [at, part] of parts.entries()) if (!["access_key_id", "client_id"].includes(names[at])) await gone(part, `a key for ${api}`);
}
assert.deepEqual(await order("run", { lines }), lines.map(() => 0), "a line for the shell does not work");
await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, config.apis.length);
await shot("keys");
await page.locator("tbody .row-actions button").first().click();
await page.waitForSelector("dialog .danger");
if (config.whole) await accessible(page, "a key that is about to be revoked");
await page.click("dialog .danger");
await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, config.apis.length - 1);

// ---- storage, health, audit
await page.focus("#tab-keys");
await page.keyboard.press("ArrowRight");
await page.waitForSelector(".chart canvas");
assert.equal(await page.evaluate(() => document.activeElement.id), "tab-storage");
await page.selectOption(".part-head select", "731");
await page.waitForSelector(".chart canvas");
await page.click(".figures summary");
await page.waitForFunction((n) => document.querySelectorAll(".figures tbody tr").length === n, config.days);
await accessible(page, "storage");
await page.click(".figures summary");
await shot("storage");
await open("health");
await page.waitForSelector(".state-line.good");
await accessible(page, "health");
await shot("health");
await open("audit");
await page.waitForSelector(".events tbody tr");
await accessible(page, "the audit log");
await shot("audit");
await page.fill(".search-form [name=text]", "CAROL");
await page.fill(".search-form [name=action]", "user.create");
await page.click(".search-form button");
await page.waitForFunction(() => document.querySelectorAll(".events tbody tr").length === 1);
await page.fill(".search-form [name=actor]", "nobody");
await page.click(".search-form button");
await page.waitForSelector(".empty");
if (config.whole) await accessible(page, "a search without a result");

// ---- a phone, and a person who is no administrator
if (config.whole) {
  await page.setViewportSize({ width: 390, height: 800 });
  await open("users");
  await page.waitForSelector("tbody tr");
  await accessible(page, "users on a phone");
  await shot("phone");
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the phone");
  await page.setViewportSize({ width: 1280, height: 800 });
  await browser.clearCookies();
  config.login = config.plain;
  await signIn(page, "/portal/admin");
  await page.waitForSelector(".empty");
  assert.equal(await page.locator("nav a[href='/portal/admin']").count(), 0);
  await accessible(page, "not for everybody");
  const statuses = await page.evaluate(() => Promise.all(["", "/users", "/keys", "/events", "/health", "/figures"].map((p) => fetch(`/v1/native/account${p}`).then((r) => r.status))));
  assert.deepEqual(statuses, [403, 403, 403, 403, 403, 403]);
}

assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
