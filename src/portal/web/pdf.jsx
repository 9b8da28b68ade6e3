// SPDX-License-Identifier: Apache-2.0
// The pages of a PDF, drawn by PDF.js. Nothing of the file runs: PDF.js knows its scripts only if it is asked to run them, links are no
// elements of the page, and the text over a page is text. The file is read in a worker, so a large or hostile one holds up nothing, and ends
// with the window.
import { AnnotationMode, getDocument, PDFWorker, TextLayer } from "pdfjs-dist/legacy/build/pdf.min.mjs";
import { useEffect, useRef, useState } from "preact/hooks";
import { readBytes } from "./bytes.js";
import { addTexts, number, shown, t } from "./i18n.js";
import { PDF_TEXTS } from "./texts/pdf.js";
import { IconButton } from "./ui.jsx";
import "./styles/pdf.css";

addTexts(PDF_TEXTS);

const PIXELS_MAX = 4096; // of a side of what is drawn
const IMAGE_PIXELS_MAX = 64 << 20;
const WORKER = new URL("./pdf-worker.js", import.meta.url.replace(/[?#].*/, "")).href;
// The only address that a script may be started from, and the only policy that the page may have (docs/apis/portal.md).
const policy = window.trustedTypes?.createPolicy("cais-pdf-worker", {
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError("not the worker of the portal");
    return address;
  },
});

async function open(address, signal) {
  const read = await readBytes(address, { signal });
  if (!read) throw new Error("no bytes");
  const data = new Uint8Array(read);
  const port = new Worker(policy ? policy.createScriptURL(WORKER) : WORKER, { type: "module" });
  const task = getDocument({
    data, worker: PDFWorker.create({ port }), verbosity: 0, enableXfa: false, useWasm: false, useWorkerFetch: false, disableAutoFetch: true,
    maxImageSize: IMAGE_PIXELS_MAX, isOffscreenCanvasSupported: false,
  });
  const close = () => {
    task.destroy().catch(() => {});
    port.terminate();
  };
  const died = new Promise((_, reject) => port.addEventListener("error", () => reject(new Error("the worker has ended"))));
  try {
    return { pdf: await Promise.race([task.promise, died]), close };
  } catch (error) {
    close();
    throw error;
  }
}

// Draws one page as wide as the element is, and lays its text over it. Returns what ends that.
function draw(pdf, n, { canvas, text, width }, failed) {
  let task, layer, isOver = false;
  (async () => {
    const page = await pdf.getPage(n);
    if (isOver) return;
    const natural = page.getViewport({ scale: 1 });
    const viewport = page.getViewport({ scale: width / natural.width });
    const density = Math.min(window.devicePixelRatio || 1, 2, PIXELS_MAX / viewport.width, PIXELS_MAX / viewport.height);
    canvas.width = Math.max(1, Math.floor(viewport.width * density));
    canvas.height = Math.max(1, Math.floor(viewport.height * density));
    canvas.style.aspectRatio = `${viewport.width} / ${viewport.height}`;
    text.replaceChildren();
    text.style.setProperty("--total-scale-factor", String(viewport.scale));
    task = page.render({ canvas, viewport, transform: [density, 0, 0, density, 0, 0], annotationMode: AnnotationMode.ENABLE });
    await task.promise;
    const content = await page.getTextContent(); // without the names that the file gives to its parts
    if (isOver) return;
    layer = new TextLayer({ textContentSource: content, container: text, viewport });
    await layer.render();
    page.cleanup();
  })().catch((error) => isOver || error?.name === "RenderingCancelledException" || failed());
  return () => {
    isOver = true;
    task?.cancel();
    layer?.cancel();
  };
}

export function Pdf({ file, address }) {
  const [{ pdf, problem }, setState] = useState({});
  const [page, setPage] = useState(1);
  const canvas = useRef(), text = useRef(), frame = useRef();
  const name = shown(file.name);
  useEffect(() => {
    const abort = new AbortController();
    let opened;
    open(address, abort.signal).then(
      (o) => {
        opened = o;
        abort.signal.aborted ? o.close() : setState({ pdf: o.pdf });
      },
      (error) => abort.signal.aborted || setState({ problem: error?.name === "PasswordException" ? "pdf_locked" : "pdf_broken" }));
    return () => {
      abort.abort();
      opened?.close();
    };
  }, [address]);
  useEffect(() => {
    if (!pdf) return;
    return draw(pdf, page, { canvas: canvas.current, text: text.current, width: frame.current.clientWidth }, () => setState({ problem: "pdf_broken" }));
  }, [pdf, page]);
  if (problem) return <p class="soft" role="status">{t(problem)}</p>;
  if (!pdf) return <p class="soft" role="status">{t("loading")}</p>;
  const go = (n) => setPage(Math.max(1, Math.min(pdf.numPages, n)));
  const keys = { ArrowRight: page + 1, PageDown: page + 1, ArrowLeft: page - 1, PageUp: page - 1, Home: 1, End: pdf.numPages };
  const onKeyDown = (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    go(keys[event.key]);
  };
  const label = t("pdf_page", { page, n: pdf.numPages });
  return (
    <section class="pdf" aria-label={t("preview_name", { name })} onKeyDown={onKeyDown}>
      <div class="pdf-page" ref={frame} tabindex="0" role="document" aria-label={label}>
        <canvas ref={canvas} aria-hidden="true" />
        <div class="pdf-text" ref={text} />
      </div>
      {pdf.numPages > 1 && (
        <div class="pdf-turn">
          <IconButton icon="chevron" class="icon-button back" label={t("pdf_back")} disabled={page === 1} onClick={() => go(page - 1)} />
          <span role="status" aria-label={label}>{t("pdf_of", { page: number(page), n: number(pdf.numPages) })}</span>
          <IconButton icon="chevron" label={t("pdf_next")} disabled={page === pdf.numPages} onClick={() => go(page + 1)} />
        </div>
      )}
    </section>
  );
}
