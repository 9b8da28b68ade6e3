// SPDX-License-Identifier: Apache-2.0
// What a file looks like. Nothing of it runs: a picture is shown as one, of a type that has no scripts, and a text as a text.
import { useEffect, useRef, useState } from "preact/hooks";
import { fileLink, noteUnreachable, patience, readBytes } from "./bytes.js";
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
    const link = await fileLink(address, signal);
    return link ? { link } : readPicture(address, file, signal);
  }
  if (!isText(file.content_type) || !file.size) return null;
  const text = await readBytes(address, { range: `bytes=0-${TEXT_MAX - 1}`, signal });
  return text && { text: new TextDecoder().decode(text), cut: file.size > TEXT_MAX };
}

async function readPicture(address, file, signal) {
  const reply = await fetch(address, { signal });
  return reply.ok ? { blob: URL.createObjectURL(new Blob([await reply.arrayBuffer()], { type: file.content_type })) } : null;
}

// From the host of files; if that does not answer, or with no picture, `failed`.
function Linked({ link, label, failed }) {
  const image = useRef();
  useEffect(() => patience(() => image.current.naturalWidth || failed()), [link]);
  return <img class="preview" ref={image} src={link} alt={label} referrerpolicy="no-referrer" onError={failed} />;
}

export function Preview(props) {
  return isPdf(props.file) ? <Pdf {...props} /> : <Content {...props} />;
}

function Content({ file, address }) {
  const [content, setContent] = useState(null);
  useEffect(() => {
    const abort = new AbortController();
    read(address, file, abort.signal).then((c) => show(c, abort.signal), () => {});
    return () => abort.abort();
  }, [address]);
  useEffect(() => () => content?.blob && URL.revokeObjectURL(content.blob), [content]);
  const show = (c, signal) => (signal?.aborted ? c?.blob && URL.revokeObjectURL(c.blob) : setContent(c));
  const instead = async () => {
    const picture = await readPicture(address, file);
    show(picture && { ...picture, isInstead: true });
  };
  if (!content) return null;
  const label = t("preview_name", { name: shown(file.name) });
  if (content.link) return <Linked link={content.link} label={label} failed={() => instead().catch(() => setContent(null))} />;
  if (content.blob) return <img class="preview" src={content.blob} alt={label} onLoad={() => content.isInstead && noteUnreachable()} onError={() => setContent(null)} />;
  return (
    <>
      <pre class="preview" tabindex="0" role="region" aria-label={label}>{content.text}</pre>
      {content.cut && <p class="soft">{t("preview_cut")}</p>}
    </>
  );
}
