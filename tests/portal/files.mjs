// SPDX-License-Identifier: Apache-2.0
// Uploads by choosing and dropping, renaming, deleting with undo, previews; what is stored runs nowhere.
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, [/409 \(Conflict\)/]);
const rows = () => page.locator("tbody tr");
const row = (name) => rows().filter({ hasText: name });
const listed = (n) => page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, n);
await signIn(page);
await page.waitForSelector(".empty.drop");

// chosen: names with emoji, right-to-left and 255 bytes, no bytes at all
await page.setInputFiles("input[type=file][multiple]", config.files);
await listed(config.files.length);
await page.waitForSelector(".tray .upload.done");
await page.waitForFunction((n) => document.querySelectorAll(".tray .upload.done").length === n, config.files.length);
await accessible(page, "uploads that have arrived");
await picture(page, `uploads-${config.language}-${config.colors}`);
await page.setInputFiles("input[type=file][multiple]", config.files); // the same again
await page.waitForSelector(".upload-rest");
assert.equal(await rows().count(), config.files.length);
await page.click(".tray header button:last-of-type");
await page.waitForSelector(".tray", { state: "detached" });

// dropped: a file that this page made
const transfer = await page.evaluateHandle(() => {
  const t = new DataTransfer();
  t.items.add(new File(["<script>document.title = 'broken'</script>"], "<img src=x onerror=alert(3)>.html", { type: "text/html" }));
  return t;
});
await page.dispatchEvent("main", "dragenter", { dataTransfer: transfer });
await page.waitForSelector(".drop-now");
await picture(page, `drop-${config.language}-${config.colors}`);
await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
await listed(config.files.length + 1);
assert.equal(await page.locator(".drop-now").count(), 0);

await page.click(".tray header button:last-of-type");

// previews: a text, a picture, and a page that is a text
const open = async (name) => {
  await row(name).locator(".link").click();
  await page.waitForSelector("dialog[open]");
};
await open("<img");
assert.equal(await page.textContent("pre.preview"), "<script>document.title = 'broken'</script>");
await accessible(page, "a preview of a text");
await page.keyboard.press("Escape");
await open("dot.png");
await page.waitForSelector("img.preview");
await page.waitForFunction(() => document.querySelector("img.preview").naturalWidth === 1);
await accessible(page, "a preview of a picture");
await page.keyboard.press("Escape");
await open("picture.svg");
await page.waitForSelector("dialog .facts");
assert.equal(await page.locator("img.preview").count(), 0);
await page.keyboard.press("Escape");

// what somebody stored, opened as a page, reaches no session and runs nothing
const info = await page.evaluate(async () => (await (await fetch("/v1/native/files?name=picture.svg")).json()).files[0]);
const stored = await page.request.get(`${config.url}/v1/native/files/${info.id}`);
assert.equal(stored.headers()["content-security-policy"], "sandbox");
assert.match(stored.headers()["content-disposition"], /^attachment/);

// renaming, by the keyboard alone
await row("dot.png").locator(".roomy").first().focus();
await page.keyboard.press("Enter");
await page.waitForSelector("dialog [name=name]");
await accessible(page, "renaming");
await picture(page, `rename-${config.language}-${config.colors}`);
await page.keyboard.type("renamed ✓"); // the name without its ending is selected
await page.keyboard.press("Enter");
await page.waitForSelector("dialog", { state: "detached" });
assert.equal(await row("renamed ✓.png").count(), 1);
await order("attach", { name: "held.txt" });
await row("held.txt").locator(".roomy").first().click();
await page.waitForSelector("dialog [name=name]");
await page.keyboard.type("other");
await page.keyboard.press("Enter");
await page.waitForSelector("dialog [role=alert]");
await page.keyboard.press("Escape");

// deleting: undone, and done when the page goes
await row("renamed").locator(".roomy").last().click();
await page.waitForFunction(() => ![...document.querySelectorAll("tbody tr")].some((r) => r.textContent.includes("renamed")));
await accessible(page, "a file that can be brought back");
await picture(page, `undo-${config.language}-${config.colors}`);
await page.click(".note .quiet");
await row("renamed").waitFor();
assert.equal(await order("exists", { name: "renamed ✓.png" }), true);
await row("renamed").locator(".roomy").last().click();
await row("renamed").waitFor({ state: "detached" });
assert.equal(await order("exists", { name: "renamed ✓.png" }), true); // the request is held back
await page.goto("about:blank");
assert.equal(await order("is_gone", { name: "renamed ✓.png" }), true);

assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
