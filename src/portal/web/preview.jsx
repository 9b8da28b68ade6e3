// SPDX-License-Identifier: Apache-2.0
// What a file looks like. Nothing of it runs: a picture is shown as one, of a type that has no scripts, and a text as a text.
import { useEffect, useState } from "preact/hooks";
import { bytes, shown, t } from "./i18n.js";
import { lazy } from "./lazy.jsx";

const Pdf = lazy(() => import("./pdf.jsx"), "Pdf");

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];
const PICTURE_MAX = 25 << 20;
const TEXT_MAX = 64 << 10;
const PDF_MAX = 50 << 20;
export const isPdf = (file) => file.content_type === "application/pdf" && file.size > 0 && file.size <= PDF_MAX;
const isText = (type) => /^text\/|[/+](json|xml|csv|yaml|javascript|x-ndjson|jsonl)\b/.test(type);

async function read(address, file, signal) {
  if (PICTURES.includes(file.content_type) && file.size <= PICTURE_MAX) {
    const reply = await fetch(address, { signal });
    if (!reply.ok) return null;
    return { picture: URL.createObjectURL(new Blob([await reply.arrayBuffer()], { type: file.content_type })) };
  }
  if (!isText(file.content_type) || !file.size) return null;
  const reply = await fetch(address, { signal, headers: { Range: `bytes=0-${TEXT_MAX - 1}` } });
  if (!reply.ok) return null;
  return { text: new TextDecoder().decode(await reply.arrayBuffer()), cut: file.size > TEXT_MAX };
}

export function Preview(props) {
  return isPdf(props.file) ? <Pdf {...props} /> : <Content {...props} />;
}

function Content({ file, address }) {
  const [content, setContent] = useState(null);
  useEffect(() => {
    const abort = new AbortController();
    let made;
    read(address, file, abort.signal).then((c) => (made = c, abort.signal.aborted || setContent(c)), () => {});
    return () => {
      abort.abort();
      if (made?.picture) URL.revokeObjectURL(made.picture);
    };
  }, [address]);
  if (!content) return null;
  const label = t("preview_name", { name: shown(file.name) });
  if (content.picture) return <img class="preview" src={content.picture} alt={label} onError={() => setContent(null)} />;
  return (
    <>
      <pre class="preview" tabindex="0" role="region" aria-label={label}>{content.text}</pre>
      {content.cut && <p class="soft">{t("preview_cut")}</p>}
    </>
  );
}
