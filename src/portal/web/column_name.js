// SPDX-License-Identifier: Apache-2.0
const NAME_MAX = 60;

const CYRILLIC = Object.fromEntries([..."абвгдеёжзийклмнопрстуфхцчшщъыьэюя"].map((letter, i) =>
  [letter, ["a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "y", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "", "y", "", "e", "yu", "ya"][i]]));

// A name that the server takes for a column: letters, digits and _, no digit first, and none that is in `taken`, which it joins.
export function columnName(text, at, taken) {
  let name = text.replace(/[а-яё]/gi, (c) => CYRILLIC[c.toLowerCase()]).normalize("NFD").replace(/[\u0300-\u036f]/g, "")
    .replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "").slice(0, NAME_MAX) || `column_${at + 1}`;
  if (/^\d/.test(name)) name = `_${name}`;
  const first = name, next = (taken.next ??= new Map()); // where the search for a free number goes on: a line may have one name 100,000 times
  let n = next.get(first) ?? 2;
  for (; taken.has(name); n++) name = `${first}_${n}`;
  next.set(first, n);
  taken.add(name);
  return name;
}
