// SPDX-License-Identifier: Apache-2.0
// Signing in, the frame of the pages, and the list of files, in one language.
import { accessible, assert, config, launch, order, picture, signIn, until, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, [/403 \(Forbidden\)/, /401 \(Unauthorized\)/]);
const words = config.words;

// before the sign-in
const root = await page.goto(config.url + "/");
assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, "/portal/login?next=/portal");
assert.equal(await page.title(), words.title);
await accessible(page, "the login");
await picture(page, `login-${config.language}-${config.colors}`);
await page.fill("[name=login]", config.login);
await page.fill("[name=password]", "a wrong guess");
await page.keyboard.press("Enter");
await page.waitForSelector("[role=alert]");
await accessible(page, "a login that was refused");
await page.click("nav.languages [lang=ru]");
assert.equal(await page.title(), "Вход");
assert.equal(new URL(page.url()).searchParams.get("next"), "/portal");
await page.click(`nav.languages [lang="${config.language}"]`);

// an empty portal; everything is reached by the keyboard
await signIn(page);
await page.waitForSelector(".empty h2");
assert.equal(await page.textContent("main h1"), words.files);
assert.equal(await page.textContent(".empty h2"), words.empty);
await accessible(page, "no files");
await picture(page, `empty-${config.language}-${config.colors}`);
await page.keyboard.press("Tab");
assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
const policy = (await page.request.get(config.url + "/portal")).headers()["content-security-policy"];
assert.ok(policy.includes("script-src 'self'") && !policy.includes("unsafe"), policy);

// files with the worst names
await order("upload");
await page.reload();
await page.waitForSelector("tbody tr");
const names = await page.locator("td.name bdi").allTextContents();
assert.deepEqual([...names].sort(), config.names.map((n) => n.replace("\u202e", "\ufffd")).sort()); // what would turn a name round is shown
await accessible(page, "a list of files");
await picture(page, `list-${config.language}-${config.colors}`);
const [download] = await Promise.all([page.waitForEvent("download"), page.click("tbody tr:first-child a[download]")]);
assert.equal(await download.failure(), null);
await page.click("tbody tr:first-child .link");
await page.waitForSelector("dialog[open] .facts");
assert.match(await page.textContent("dialog .facts"), /[0-9a-f]{32}/);
await accessible(page, "the details of a file");
await picture(page, `details-${config.language}-${config.colors}`);
await page.click("dialog .quiet");
assert.match(await page.evaluate(() => navigator.clipboard.readText()), /\/v1\/native\/files\/[0-9a-f-]{36}$/);
await page.keyboard.press("Escape");
await page.waitForSelector("dialog", { state: "detached" });
await page.fill("[type=search]", "<SCRIPT");
await page.waitForFunction(() => document.querySelectorAll("tbody tr").length === 1);
await page.fill("[type=search]", "no such name");
await page.waitForSelector(".empty");
await accessible(page, "nothing was found");
await page.fill("[type=search]", "");
await page.waitForFunction((n) => document.querySelectorAll("tbody tr").length === n, config.names.length);

// language and colours stay over a reload; a phone
const dark = config.colors === "dark";
await page.click(".top .icon-button");
await until(async () => (await browser.cookies()).some((c) => c.name === "cais-theme"), "the choice of colours is kept"); // the script tells the browser later
await page.reload();
await page.waitForSelector("tbody tr");
assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), dark ? "light" : "dark");
await accessible(page, "the other colours");
await page.setViewportSize({ width: 390, height: 800 });
await accessible(page, "a narrow window");
assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
await picture(page, `phone-${config.language}-${config.colors}`);
await Promise.all([page.waitForNavigation(), page.selectOption(".language select", "es")]);
await page.waitForSelector("tbody tr");
assert.equal(await page.textContent("main h1"), "Archivos");
await Promise.all([page.waitForNavigation(), page.selectOption(".language select", config.language)]);
await page.waitForSelector("tbody tr");

// the session ends while the page is open, and another window begins a new one
await page.setViewportSize({ width: 1280, height: 800 });
await order("end_sessions");
await page.fill("[type=search]", "x");
await page.waitForSelector("dialog[open] a.button");
await accessible(page, "the session is over");
await picture(page, `over-${config.language}-${config.colors}`);
await page.click("dialog .quiet");
await page.waitForSelector("dialog [role=alert]");
const [other] = await Promise.all([browser.waitForEvent("page"), page.click("dialog a.button")]);
await other.fill("[name=login]", config.login);
await other.fill("[name=password]", config.password);
await Promise.all([other.waitForURL(config.url + "/portal"), other.press("[name=password]", "Enter")]);
await page.click("dialog .quiet");
await page.waitForSelector("dialog", { state: "detached" });

await Promise.all([page.waitForURL(config.url + "/portal/login"), page.click(".person button")]);
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
