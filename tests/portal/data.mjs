// SPDX-License-Identifier: Apache-2.0
// A newcomer drops a file, sees it arrive, and gets a chart; then a file with errors, a CSV file, a question of one's own, and a schema that goes.
import { readFileSync } from "node:fs";
import { accessible, assert, config, launch, order, picture, signIn, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page);
const name = (what) => `data-${what}-${config.language}-${config.colors}`;
const rows = (n) => page.waitForFunction((count) => document.querySelectorAll(".rows tbody tr").length === count, n);

async function drop(path, fileName) {
  const transfer = await page.evaluateHandle(([text, file]) => {
    const made = new DataTransfer();
    made.items.add(new File([text], file));
    return made;
  }, [readFileSync(path, "utf8"), fileName]);
  await page.dispatchEvent("main", "dragenter", { dataTransfer: transfer });
  await page.waitForSelector(".drop-now");
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
}

await signIn(page, "/portal/data");
await page.waitForSelector(".empty.drop");
await accessible(page, "no schema");
await picture(page, name("empty"));

// a dropped file: its columns appear, it is imported, its rows are there, and a chart is one click away
await drop(config.sample, "sales.jsonl");
await page.waitForSelector("dialog .columns tbody tr");
assert.deepEqual(await page.locator("dialog .columns td:first-child input").evaluateAll((all) => all.map((i) => i.value)), ["city", "amount", "sold_on", "n", "img_src_x_onerror_alert_1"]);
assert.deepEqual(await page.locator("dialog .columns select").evaluateAll((all) => all.map((i) => i.value)), ["string", "decimal", "date", "integer", "string"]);
await accessible(page, "columns of a sample");
await picture(page, name("sample"));
await page.click("dialog .buttons button:first-child");
await page.waitForSelector(".import.done");
await rows(100);
assert.equal(new URL(page.url()).hash, "#sales");
await accessible(page, "rows");
await picture(page, name("rows"));
await page.click(".paging button:last-child");
await page.waitForFunction(() => document.querySelector(".paging span").textContent.includes("101"));
await page.locator(".ideas .chip").nth(1).click();
await page.waitForSelector(".chart canvas");
await rows(4);
await accessible(page, "a chart of bars");
await page.click(".import .icon-button");
await picture(page, name("chart"));
await page.locator(".ideas .chip").nth(2).click();
await rows(12);
await page.waitForFunction(() => document.querySelectorAll(".segments [aria-pressed=true]").length === 1);
await picture(page, name("line"));

// a question of one's own, by controls; the request is shown without a secret
await page.locator(".ideas .chip").nth(0).click();
await page.locator(".ideas .chip").last().click();
await page.locator(".controls fieldset").nth(1).locator("button.small").click();
await page.locator(".controls fieldset").nth(1).locator("select").nth(1).selectOption("contains");
await page.locator(".controls fieldset").nth(1).locator("input").fill("OSL");
await page.waitForFunction(() => [...document.querySelectorAll(".rows tbody td:first-child")].every((td) => td.textContent === "Oslo"));
await page.locator(".controls fieldset").nth(2).locator("select").first().selectOption("n");
await page.locator(".controls fieldset").nth(2).locator("select").nth(1).selectOption("desc");
await page.waitForFunction(() => document.querySelector(".rows tbody td:nth-child(4)").textContent === "298");
await page.click(".request summary");
const curl = await page.locator(".request pre").nth(1).textContent();
assert.match(curl, /\$CAIS_TOKEN/);
assert.match(curl, /"filters": \[ \{ "column": "city", "test": "contains", "value": "OSL" \} \]/);
await page.click(".request .buttons button");
assert.equal(await page.evaluate(() => navigator.clipboard.readText()), curl);
await accessible(page, "a question of one's own");
await picture(page, name("controls"));

// the whole result as files; cells are harmless in a spreadsheet
await page.locator(".ideas .chip").nth(0).click();
await rows(100);
const [saved] = await Promise.all([page.waitForEvent("download"), page.locator(".bar > button").first().click()]);
const csv = readFileSync(await saved.path(), "utf8");
assert.equal(csv.split("\r\n").length, 303);
assert.match(csv, /"'=cmd\|' \/C calc'!A0"/);
const [lines] = await Promise.all([page.waitForEvent("download"), page.locator(".bar > button").nth(1).click()]);
assert.equal(readFileSync(await lines.path(), "utf8").trim().split("\n").length, 301);

// files: one with wrong rows, CSV with a semicolon and commas, the same again
await page.locator("[role=tab]").first().focus();
await page.keyboard.press("ArrowRight");
await page.waitForFunction(() => document.querySelectorAll("tbody .data-done").length === 1);
await drop(config.broken, "broken <b>.jsonl");
await page.waitForSelector(".import.failed .errors tbody tr");
assert.equal(await page.locator(".import.failed .errors tbody tr").count(), 2);
await page.waitForSelector("tbody .data-failed");
await accessible(page, "wrong rows");
await picture(page, name("errors"));
const [list] = await Promise.all([page.waitForEvent("download"), page.click(".import.failed .buttons a")]);
assert.match(readFileSync(await list.path(), "utf8"), /^line,key,column,value,code,expected,message\r\n2,"","amount"/);
await page.click(".import .icon-button");
await page.locator("tbody .link.bad").click();
await page.waitForSelector("dialog .errors tbody tr");
await accessible(page, "the errors of a file");
await page.keyboard.press("Escape");
await drop(config.csv, "more.csv");
await page.waitForSelector(".import.done");
await page.waitForFunction(() => document.querySelectorAll("tbody .data-done").length === 2);
await page.click(".import .icon-button");
await page.locator("[role=tab]").first().click();
await page.waitForSelector(".rows tbody tr");
await page.locator(".ideas .chip").nth(1).click();
await page.waitForFunction(() => [...document.querySelectorAll(".rows tbody tr")].some((tr) => tr.textContent.includes("Lisboa") && tr.textContent.includes("1234.5")));

// the schema gets another name, and goes
await page.locator(".title .quiet").click();
await page.waitForSelector("dialog form");
await accessible(page, "a schema is edited");
await page.fill("dialog .field input", "<img src=x onerror=alert(2)>");
await page.click("dialog .buttons button:first-child");
await page.waitForFunction(() => document.querySelector("h1").textContent === "<img src=x onerror=alert(2)>");
await page.click(".back");
await page.waitForSelector(".schemas a");
await accessible(page, "a list of schemas");
await picture(page, name("list"));
await page.click(".schemas a");
await page.waitForSelector(".rows tbody tr"); // a question under way would not find the schema any more, which browsers report
assert.equal(await page.locator(".import").count(), 0); // whoever came back sent the first file again
await page.locator(".title .quiet").click();
await page.locator("dialog .buttons .quiet").last().click();
await page.click("dialog .danger");
await page.waitForSelector(".empty.drop");
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
