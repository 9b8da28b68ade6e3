// SPDX-License-Identifier: Apache-2.0
// Previews where stored files have a host of their own: where the bytes come from, with what, and what a stored page can reach there.
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, config.hosts ? [] : [/ERR_NAME_NOT_RESOLVED/]);
const FILES = config.files_url;
const asked = []; // requests for bytes
const isOfBytes = (url) => url.startsWith(FILES) || /\/v1\/native\/(folders\/\d+\/)?files\/[0-9a-f-]{36}$/.test(new URL(url).pathname);
page.on("request", (r) => isOfBytes(r.url()) && asked.push(r));
await signIn(page);
const open = async (name) => {
  asked.length = 0;
  await page.locator("tbody tr").filter({ hasText: name }).locator(".link").click();
  await page.waitForSelector("dialog[open]");
};
const close = async () => {
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
};
const signatures = [];
// Were the bytes asked for once, from the host of files, without anything of the person?
async function cameFromTheHost(status = 200) {
  assert.deepEqual(asked.map((r) => [r.method(), r.url().startsWith(FILES)]), [["GET", true]]);
  const [request] = asked, headers = await request.allHeaders(), reply = await request.response();
  assert.equal(headers.cookie, undefined);
  assert.equal(headers.authorization, undefined);
  assert.equal(headers.referer, undefined);
  assert.equal(reply.status(), status);
  const { "content-security-policy": policy, "x-content-type-options": sniff, "content-disposition": disposition, "set-cookie": cookie } = await reply.allHeaders();
  assert.deepEqual([policy, sniff, cookie], ["sandbox", "nosniff", undefined]);
  assert.match(disposition, /^attachment/);
  signatures.push(new URL(request.url()).searchParams.get("X-Amz-Signature"));
}
const cameFromThePage = () => {
  assert.equal(asked.at(-1).url().startsWith(FILES), false);
  assert.ok(asked.length <= 2, "it was asked for more than once");
};
const came = config.hosts ? cameFromTheHost : cameFromThePage;

// a text, of which 64 KiB are asked for
await open("long.txt");
await page.waitForSelector("pre.preview");
assert.equal((await page.textContent("pre.preview")).length, 65536);
await came(206);
await close();
// a page is a text
await open("page.html");
await page.waitForSelector("pre.preview");
assert.match(await page.textContent("pre.preview"), /^<script>/);
await came(206);
await accessible(page, "a text from the host of files");
await close();
// a picture, and a type of pictures that has scripts
await open("dot.png");
await page.waitForFunction(() => document.querySelector("img.preview")?.naturalWidth === 240);
await came();
await picture(page, `file-host-${config.language}-${config.colors}-${config.width ?? ""}`);
await accessible(page, "a picture from the host of files");
await close();
await open("picture.svg");
await page.waitForSelector("pre.preview");
assert.equal(await page.locator("img.preview").count(), 0);
await close();
// a PDF
await open("report.pdf");
await page.waitForFunction(() => document.querySelector(".pdf-text")?.textContent === "First page");
await came();
await close();
// a file of a space, for somebody who is a member
await page.goto(`${config.url}/portal/space/${config.space}`);
await open("of the space.txt");
await page.waitForSelector("pre.preview");
assert.equal(await page.textContent("pre.preview"), "common");
await came(206);
await close();

if (config.hosts) {
  // the policy of the page names that host, and no other
  const reply = await page.request.get(`${config.url}/portal`);
  const policy = Object.fromEntries(reply.headers()["content-security-policy"].split("; ").map((p) => [p.split(" ")[0], p.split(" ").slice(1)]));
  assert.deepEqual(policy["img-src"], ["'self'", "blob:", FILES]);
  assert.deepEqual(policy["connect-src"], ["'self'", FILES]);
  assert.equal(JSON.stringify(policy).split(FILES).length - 1, 2);

  // a stored page or picture, opened by its link on that host: a download, of which nothing runs, and no session is there
  await page.goto(config.url + "/portal");
  const links = await page.evaluate(async (names) => {
    const { files } = await (await fetch("/v1/native/files?limit=1000")).json();
    const csrf = document.querySelector("meta[name=csrf]").content, found = {};
    for (const { id, name } of files.filter((f) => names.includes(f.name)))
      found[name] = (await (await fetch(`/v1/native/files/${id}/link`, { method: "POST", headers: { "X-CSRF-Token": csrf } })).json()).url;
    return found;
  }, ["page.html", "picture.svg"]);
  for (const link of Object.values(links)) {
    signatures.push(new URL(link).searchParams.get("X-Amz-Signature"));
    const tab = await browser.newPage();
    const seenThere = watch(tab);
    const [download] = await Promise.all([tab.waitForEvent("download"), tab.goto(link).catch(() => {})]);
    await download.cancel();
    assert.equal(tab.url(), "about:blank");
    const plain = await tab.goto(link.replace("octet-stream", "html")); // another type was not signed
    assert.equal(plain.status(), 403);
    const inside = []; // what a page of that host that shows it would ask for
    tab.on("request", (r) => inside.push(new URL(r.url()).pathname));
    await tab.evaluate((at) => Promise.all([["iframe", "src"], ["object", "data"], ["embed", "src"], ["img", "src"], ["script", "src"]].map(([tag, attribute]) => new Promise((resolve) => {
      const element = document.createElementNS("http://www.w3.org/1999/xhtml", tag);
      element.onload = element.onerror = resolve;
      element[attribute] = at;
      document.documentElement.append(element);
      if (/^(iframe|object|embed)$/.test(tag)) resolve(); // a download has no event
    }))), link);
    const session = await tab.evaluate(async () => (await fetch("/portal/session")).status);
    assert.equal(session, 403);
    assert.deepEqual(inside.filter((p) => p !== "/portal/session" && !p.startsWith("/cais_native/reader/")), []);
    assert.equal((await browser.cookies(FILES)).length, 0);
    assert.notEqual(await tab.title(), "reached");
    assert.deepEqual(seenThere.filter((s) => !/Content Security Policy|Refused to|403|MIME|Failed to load/i.test(s)), []);
    await tab.close();
  }
}
assert.deepEqual(seen, []);
await order("done", { result: signatures });
await browser.close();
process.exit();
