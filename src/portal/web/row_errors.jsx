// SPDX-License-Identifier: Apache-2.0
// What is wrong with the rows of a file.
import { addTexts, number, shown, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { ROW_ERRORS_TEXTS } from "./texts/row_errors.js";

addTexts(ROW_ERRORS_TEXTS);

const SHOWN_ERRORS = 20;
const reasons = new Set(Object.keys(ROW_ERRORS_TEXTS).filter((name) => name.startsWith("data_reason_")));
const errorReason = (e) => (reasons.has(`data_reason_${e.code}`) ? t(`data_reason_${e.code}`, { type: e.expected ?? "" }) : e.message);

// What is wrong with rows: the first ones, and all of them as a file.
export function RowErrors({ errors, address }) {
  const columns = ["key", "column", "value"].filter((c) => errors.some((e) => e[c]));
  return (
    <>
      <div class="scroll" tabindex="0" role="region" aria-label={t("data_errors")}>
        <table class="list errors">
          <thead><tr>{["line", ...columns, "reason"].map((c) => <th scope="col">{t(`data_error_${c}`)}</th>)}</tr></thead>
          <tbody>
            {errors.slice(0, SHOWN_ERRORS).map((e) => (
              <tr>
                <td>{e.line ? number(e.line) : "–"}</td>
                {columns.map((c) => <td><bdi>{shown(e[c] ?? "")}</bdi></td>)}
                <td>{errorReason(e)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="buttons">
        <a class="button quiet" href={`${address}?format=csv`} download><Icon name="download" />{t("data_errors_csv", { n: errors.length })}</a>
        <a class="button quiet" href={`${address}?format=jsonl`} download>JSONL</a>
      </div>
    </>
  );
}
