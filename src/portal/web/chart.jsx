// SPDX-License-Identifier: Apache-2.0
// Bars or lines of a result. The table beside it has the same values, for those who do not see it.
import uPlot from "uplot";
import { useEffect, useRef } from "preact/hooks";
import { language, t } from "./i18n.js";
import "uplot/dist/uPlot.min.css";

const HEIGHT = 300;
const SERIES = ["--accent", "--chart-2", "--chart-3", "--chart-4"];
const LABEL_CHARACTERS = 14;
const short = (text) => (text.length > LABEL_CHARACTERS ? `${text.slice(0, LABEL_CHARACTERS - 1)}…` : text);
const compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 6 });

// labels: of each point; series: [{ title, values }], numbers or null. format: how a number of the axis is written; exact: one of the
// legend; steps: between numbers of the axis; says: what the chart shows, in words.
export function Chart({ kind, labels, series, name, format = compact.format, exact = whole.format, steps, fromZero = false, says }) {
  const place = useRef();
  useEffect(() => {
    let chart;
    const draw = () => {
      chart?.destroy();
      const style = getComputedStyle(place.current), colour = (variable) => style.getPropertyValue(variable).trim();
      const axis = { stroke: colour("--soft"), font: `12px ${style.fontFamily}`, grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
      const isBars = kind === "bars";
      const bars = (at) => uPlot.paths.bars({ size: [0.7 / series.length, 64], align: series.length > 1 ? (at ? 1 : -1) : 0, radius: 0.15 });
      chart = new uPlot({
        width: place.current.clientWidth, height: HEIGHT, cursor: { drag: { setScale: false }, y: false },
        scales: { x: { time: false, range: (_, min, max) => [min - (isBars ? 0.6 : 0.2), max + (isBars ? 0.6 : 0.2)] },
                  y: { range: (_, min, max) => (min === null ? [0, 1] : isBars ? [Math.min(0, min * 1.05), Math.max(0, max * 1.08) || 1] : fromZero ? [0, max * 1.15 || 1] : uPlot.rangeNum(min, max, 0.1, true)) } },
        axes: [
          { ...axis, grid: { show: false }, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000], space: 72,
            values: (_, at) => at.map((i) => (Number.isInteger(i) && i >= 0 && i < labels.length ? short(labels[i]) : "")) },
          { ...axis, size: 80, ...(steps && { incrs: steps }), values: (_, at) => at.map(format) },
        ],
        series: [
          { label: name, value: (_, i) => (i === null ? "–" : labels[i] ?? "") },
          ...series.map((s, at) => ({
            label: s.title, stroke: colour(SERIES[at]), width: isBars ? 0 : 2, fill: isBars ? colour(SERIES[at]) : undefined, points: { show: !isBars && labels.length < 60, size: 6 },
            ...(isBars && { paths: bars(at) }), value: (_, v) => (v === null || v === undefined ? "–" : exact(v)),
          })),
        ],
      }, [labels.map((_, i) => i), ...series.map((s) => s.values)], place.current);
    };
    draw();
    let width = place.current.clientWidth;
    const resized = new ResizeObserver(() => {
      if (place.current && place.current.clientWidth !== width) chart.setSize({ width: (width = place.current.clientWidth), height: HEIGHT });
    });
    resized.observe(place.current);
    const themed = new MutationObserver(draw);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      themed.disconnect();
      system.removeEventListener("change", draw);
      chart.destroy();
    };
  }, [kind, labels, series]);
  return <div class="chart" ref={place} role="img" aria-label={says ?? t("chart_says", { name, what: series.map((s) => s.title).join(", ") })} />;
}
