// SPDX-License-Identifier: Apache-2.0
// What somebody has stored and who looks at it: the preview of PDFs, and pages, pictures and PDFs that try to reach the session.
import { accessible, assert, config, launch, order, picture, signIn, until, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
await signIn(page);
const open = async (name) => {
  await page.locator("tbody tr").filter({ hasText: name }).locator(".link").click();
  await page.waitForSelector("dialog[open]");
};
const close = async () => {
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
};
// Is something dark where the text of the page stands?
const inked = () => page.evaluate(() => {
  const canvas = document.querySelector(".pdf canvas");
  const { data } = canvas.getContext("2d").getImageData(0, Math.floor(canvas.height * 0.2), canvas.width, Math.floor(canvas.height * 0.3));
  let dark = 0;
  for (let i = 0; i < data.length; i += 4) dark += data[i + 3] > 128 && data[i] + data[i + 1] + data[i + 2] < 200;
  return dark > 100;
});
const says = (text) => page.waitForFunction((t) => document.querySelector(".pdf-text")?.textContent === t, text);

// a PDF: its pages are drawn, turned by buttons and keys, and read by screen readers
await open("report.pdf");
await says("First page <b>1</b>");
await page.waitForFunction(() => document.querySelector(".pdf canvas")?.width > 300);
assert.equal(await inked(), true);
assert.equal(await page.locator(".pdf-text b").count(), 0);
await accessible(page, "a preview of a PDF");
await picture(page, `pdf-${config.language}-${config.colors}`);
await page.click(".pdf-turn button:last-of-type");
await says("Second page");
await page.focus(".pdf-page");
await page.keyboard.press("End");
await says("Page 30");
assert.match(await page.textContent(".pdf-turn span"), /30.*30/);
assert.equal(await page.isDisabled(".pdf-turn button:last-of-type"), true);
await page.keyboard.press("ArrowRight");
await page.keyboard.press("Home");
await says("First page <b>1</b>");
assert.equal((await page.workers()).length, 1);
await close();
await until(() => page.workers().length === 0, "the worker ends with the window");

// one with a font of its own; one with scripts and links, of which nothing runs and nothing can be clicked
await open("font.pdf");
await says("Own font");
assert.equal(await inked(), true);
await close();
await open("hostile.pdf");
await says("Click me");
assert.equal(await page.locator(".pdf a, .pdf form, .pdf input, .pdf iframe").count(), 0);
await page.click(".pdf-page");
await page.keyboard.press("Enter");
await picture(page, `pdf-hostile-${config.language}-${config.colors}`);
await close();

// what is no PDF, and one with a password
for (const name of ["broken.pdf", "locked.pdf"]) {
  await open(name);
  await page.waitForSelector("dialog p.soft[role=status]:not(:empty)");
  await page.waitForFunction((loading) => document.querySelector("dialog p.soft[role=status]")?.textContent !== loading, config.loading);
  assert.equal(await page.locator(".pdf").count(), 0);
  await accessible(page, name);
  await close();
}

// stored pages, opened by their addresses: they are downloads, and run nowhere, also inside of another page
const files = await page.evaluate(async () => (await (await fetch("/v1/native/files?limit=1000")).json()).files);
for (const name of ["page.html", "picture.svg", "hostile.pdf"]) {
  const { id } = files.find((f) => f.name === name);
  const address = `${config.url}/v1/native/files/${id}`;
  const tab = await browser.newPage();
  const seenThere = watch(tab);
  const [download] = await Promise.all([tab.waitForEvent("download"), tab.goto(address).catch(() => {})]);
  await download.cancel();
  assert.equal(tab.url(), "about:blank");
  await tab.goto(config.url + "/portal/nothing"); // a page of ours without a script
  const requests = [];
  tab.on("request", (r) => requests.push(`${r.method()} ${new URL(r.url()).pathname}`));
  await tab.evaluate(async (at) => {
    for (const [tag, attribute] of [["iframe", "src"], ["object", "data"], ["embed", "src"], ["img", "src"], ["script", "src"]]) {
      const element = document.createElement(tag);
      element[attribute] = at;
      document.body.append(element);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }, address).catch(() => {});
  assert.deepEqual(requests.filter((r) => !/^GET .*(\/v1\/native\/files\/|\/icon.svg$)/.test(r)), []);
  assert.deepEqual(seenThere.filter((s) => !/Content Security Policy|Refused to|404/i.test(s)), []);
  await tab.close();
}
assert.equal(await order("files"), config.count); // nothing was deleted or added by what is stored
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
