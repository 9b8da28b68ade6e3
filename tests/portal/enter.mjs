// SPDX-License-Identifier: Apache-2.0
// The link that a server prints on its terminal.
import { accessible, assert, config, launch, order, watch } from "./harness.mjs";

const browser = await launch();
const page = await browser.newPage();
const seen = watch(page, [/403 \(Forbidden\)/]);
const addresses = [];
page.on("request", (r) => addresses.push(r.url(), r.headers().referer ?? ""));
await page.goto(`${config.url}/portal/enter#${config.secret}`);
await page.waitForURL(config.url + "/portal");
await page.waitForSelector(".empty");
assert.equal(await page.textContent(".login"), "admin");
assert.ok(!addresses.some((a) => a.includes(config.secret)), "the secret was sent in an address");
await Promise.all([page.waitForURL(config.url + "/portal/login"), page.click(".person button")]);
await page.goto(`${config.url}/portal/enter#${config.secret}`);
await page.waitForSelector("[role=alert]");
await accessible(page, "a link that was used");
assert.equal((await browser.cookies()).filter((c) => c.name === "cais").length, 0);
assert.deepEqual(seen, []);
await order("done");
await browser.close();
process.exit();
