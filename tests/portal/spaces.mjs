// SPDX-License-Identifier: Apache-2.0
// A space from its making to its end: folders, a dropped folder with its structure, moving, deleting with undo, members; hostile names.
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, [/409 \(Conflict\)/, /404 \(Not Found\)/]);
const label = `${config.language}-${config.colors}`;
const rows = () => page.locator("tbody tr");
const row = (name) => rows().filter({ has: page.locator("td.name bdi", { hasText: name }) });
const listed = (n) => page.waitForFunction((count) => document.querySelectorAll("tbody tr").length === count, n);
const action = (name, at) => row(name).locator("td.row-actions .roomy").nth(at).click(); // 0 move, 1 rename, 2 delete
const type = async (text) => {
  await page.waitForSelector("dialog [name=name]");
  await page.fill("dialog [name=name]", text);
  await page.click("dialog form .buttons button:not(.quiet)");
  await page.waitForSelector("dialog", { state: "detached" });
};
const closeTray = async () => {
  await page.waitForFunction(() => !document.querySelector(".tray .upload:not(.done)"));
  await page.click(".tray header button:last-of-type");
  await page.waitForSelector(".tray", { state: "detached" });
};

// an administrator makes a space
await signIn(page);
await page.waitForSelector(".place");
await page.click(".place");
await page.waitForSelector(".place-menu");
await accessible(page, "the menu of places");
await picture(page, `places-${label}`);
await page.click(".place-new");
await type(config.space);
await page.waitForSelector(".empty.drop");
assert.equal(await page.textContent(".place bdi"), config.space);
await accessible(page, "an empty space");
await picture(page, `space-empty-${label}`);

// a folder is dropped with all that is in it; its structure arrives, and each folder is made once, also an empty one
const devtools = await page.context().newCDPSession(page);
for (const step of ["dragEnter", "dragOver", "drop"])
  await devtools.send("Input.dispatchDragEvent", { type: step, x: 640, y: 500, data: { items: [], files: [config.folder_of_files], dragOperationsMask: 1 } });
await listed(1);
await page.waitForSelector(".tray .upload.done");
await closeTray();
await page.click("tbody tr.folder a");
await page.waitForSelector(".breadcrumb [aria-current=page]");
await listed(config.top.length);
const names = await page.$$eval("tbody td.name bdi", (all) => all.map((b) => b.textContent));
assert.deepEqual([...names].sort(), config.top.map((n) => n.replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, "\ufffd")).sort());
await accessible(page, "a folder with hostile names");
await picture(page, `space-${label}`);

// the same folder again, chosen: nothing is stored twice, and the page says why
await page.goBack();
await listed(1);
await page.setInputFiles("input[webkitdirectory]", config.folder_of_files);
await page.waitForFunction((n) => document.querySelectorAll(".tray .upload.taken").length === n, config.count);
await accessible(page, "files whose names are taken");
await picture(page, `space-taken-${label}`);
await page.click(".tray header button:last-of-type");
await listed(1);
assert.equal(await order("count"), config.count);

// folders by hand, and a file dropped into one
await page.click(".page-head .buttons .quiet:nth-of-type(2)");
await page.waitForSelector("dialog [name=name]");
await accessible(page, "a new folder");
await type("Target");
await listed(2);
const transfer = await page.evaluateHandle(() => {
  const t = new DataTransfer();
  t.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
  return t;
});
await page.dispatchEvent("main", "dragenter", { dataTransfer: transfer });
await page.waitForSelector(".drop-now");
await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
await listed(3);
await closeTray();

// moved by the keyboard alone, and back
await row("dropped.txt").locator("td.row-actions .roomy").first().focus();
await page.keyboard.press("Enter");
await page.waitForSelector(".picker li button");
await accessible(page, "a window to choose a folder");
await picture(page, `space-move-${label}`);
await page.locator(".picker li button").filter({ hasText: "Target" }).focus();
await page.keyboard.press("Enter");
await page.waitForFunction(() => document.querySelector(".picker h3")?.textContent === "Target");
await page.locator("dialog > .dialog-body > .buttons button").first().focus();
await page.keyboard.press("Enter");
await listed(2);
await page.click(".note:last-child .quiet");
await listed(3);

// moved by dragging its row onto a folder
await row("dropped.txt").dragTo(row("Target"));
await listed(2);
await page.click("tbody tr.folder a >> text=Target");
await listed(1);
await page.goBack();
await listed(2);

// renaming to a name that is taken, and to another one
await action("Target", 1);
await page.waitForSelector("dialog [name=name]");
await page.fill("dialog [name=name]", config.root.toUpperCase());
await page.keyboard.press("Enter");
await page.waitForSelector("dialog [role=alert]");
await page.fill("dialog [name=name]", "Renamed");
await page.keyboard.press("Enter");
await page.waitForSelector("dialog", { state: "detached" });
await row("Renamed").waitFor();

// deleting: undone, and done when the page goes
await action("Renamed", 2);
await row("Renamed").waitFor({ state: "detached" });
await accessible(page, "a folder that can be brought back");
await page.click(".note:last-child .quiet");
await row("Renamed").waitFor();
await action("Renamed", 2);
await row("Renamed").waitFor({ state: "detached" });
assert.equal(await order("has_folder", { name: "Renamed" }), true); // the request is held back
const address = page.url();
await page.goto("about:blank");
assert.equal(await order("lost_folder", { name: "Renamed" }), true);

// a search finds what is deep in the space, and leads there
await page.goto(address);
await listed(1);
await page.fill("input[type=search]", "DEEP <b>");
await page.waitForFunction((n) => [...document.querySelectorAll("tbody td.name bdi")].some((b) => b.textContent === n), config.deep);
await accessible(page, "what a search found");
await picture(page, `space-search-${label}`);
await row(config.deep).locator("td.row-actions a").first().click();
await page.waitForFunction(() => document.querySelectorAll(".breadcrumb li").length > 2);
await page.locator("tbody .link").filter({ hasText: config.deep }).click();
await page.waitForSelector("pre.preview");
await page.keyboard.press("Escape");
const deep = page.url();

// members
await page.click(".page-head .buttons .quiet:nth-of-type(1)");
await page.waitForSelector(".members li");
await page.fill("[name=login]", "nobody-of-that-name");
await page.click(".member-add button");
await page.waitForSelector(".member-add [role=alert]");
await page.fill("[name=login]", config.other);
await page.selectOption("[name=role]", "viewer");
await page.click(".member-add button");
await page.waitForFunction(() => document.querySelectorAll(".members li").length === 2);
await accessible(page, "members");
await picture(page, `space-members-${label}`);
await page.keyboard.press("Escape");
await page.click(".person button");

// another person sees it, and may change nothing
await signIn2(deep.slice(config.url.length));
await page.waitForSelector("tbody tr");
assert.equal(await page.locator("tbody .roomy").count(), 0);
assert.equal(await page.locator("input[type=file]").count(), 0);
await page.dispatchEvent("main", "dragenter", { dataTransfer: await page.evaluateHandle(() => {
  const t = new DataTransfer();
  t.items.add(new File(["x"], "x.txt"));
  return t;
}) });
assert.equal(await page.locator(".drop-now").count(), 0);
await accessible(page, "a space that may only be viewed");
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();

async function signIn2(path) {
  await page.goto(config.url + path);
  await page.fill("[name=login]", config.other);
  await page.fill("[name=password]", config.password);
  await page.press("[name=password]", "Enter");
  await page.waitForURL(config.url + path);
  await page.waitForSelector("main h1");
}
