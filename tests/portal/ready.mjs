// SPDX-License-Identifier: Apache-2.0
// How long the first page takes until its list is there, five times, each in a browser that has nothing of it yet; and with how many requests.
import { config, launch, order, signIn } from "./harness.mjs";

const times = [], requests = [];
for (let i = 0; i < 5; i++) {
  const browser = await launch(`${config.profile}-${i}`);
  const page = await browser.newPage();
  await signIn(page);
  await page.goto("about:blank");
  const protocol = await browser.newCDPSession(page);
  await protocol.send("Network.clearBrowserCache");
  let count = 0;
  page.on("request", () => count++);
  const began = Date.now();
  await page.goto(config.url + "/portal", { waitUntil: "commit" });
  await page.waitForSelector("tbody tr, .empty.drop", { polling: 20 });
  times.push((Date.now() - began) / 1000);
  requests.push(count);
  await browser.close();
}
await order("done", { result: { times, requests: Math.max(...requests) } });
process.exit();
