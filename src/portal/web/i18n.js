// SPDX-License-Identifier: Apache-2.0
// Texts (texts/*.js), numbers and dates in the language of the page. The server has chosen it (src/api/kit/page_languages.def).
export const LANGUAGES = [["en", "English"], ["pt-BR", "Português"], ["es", "Español"], ["ru", "Русский"]];
export const language = LANGUAGES.some(([tag]) => tag === document.documentElement.lang) ? document.documentElement.lang : "en";
const texts = {};
const plural = new Intl.PluralRules(language);

// Adds texts: name → [English, Brazilian Portuguese, Spanish, Russian]. A text that depends on a number has forms by plural category
// (Intl.PluralRules). Texts are never markup.
export function addTexts(rows) {
  const at = LANGUAGES.findIndex(([tag]) => tag === language);
  for (const [name, row] of Object.entries(rows)) texts[name] = row[at];
}

// The text of that name; {word} in it is replaced. A text that depends on a number, `n`, is a list of forms by plural category.
export function t(name, words = {}) {
  let text = texts[name];
  if (text === undefined) throw new Error(`no text is named ${name}`);
  if (typeof text === "object") text = text[plural.select(words.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, word) => (typeof words[word] === "number" ? number(words[word]) : words[word] ?? ""));
}

const numbers = new Intl.NumberFormat(language);
const times = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const units = ["B", "KiB", "MiB", "GiB", "TiB"];

export const number = (n) => numbers.format(n);

export function bytes(n) {
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: n < 10 && unit ? 1 : 0 }).format(n)} ${units[unit]}`;
}

export const time = (text) => (text ? times.format(new Date(text)) : "");

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  const two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

// Keep a choice for the next pages. It is kept when the promise has resolved: a browser stores a cookie while the script goes on, and would
// ask for a page that is loaded at once without it. One that stores none is not waited for.
export async function keep(name, value) {
  const cookie = `${name}=${value}`;
  document.cookie = `${cookie}; Path=/; SameSite=Lax; Max-Age=31536000${location.protocol === "https:" ? "; Secure" : ""}`;
  for (let tries = 0; tries < 50 && !document.cookie.split("; ").includes(cookie); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
}

// A name as it is shown: characters that would change the order of what follows ("exe.png" for a program) are made visible.
export const shown = (name) => name.replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
