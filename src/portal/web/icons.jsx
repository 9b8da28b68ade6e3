// SPDX-License-Identifier: Apache-2.0
// Line drawings, 24 by 24. They are decoration: what an icon means stands beside it, or in the label of its button.
const PATHS = {
  files: "M4 6a2 2 0 0 1 2-2h4l2 3h6a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2z",
  file: "M7 3h7l5 5v11a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM14 3v5h5",
  image: "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM4 16l5-5 4 4 3-3 4 4M15 9h.01",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4 4",
  download: "M12 4v11m0 0-4-4m4 4 4-4M5 19h14",
  upload: "M12 16V5m0 0L8 9m4-4 4 4M5 19h14",
  close: "M6 6l12 12M18 6 6 18",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2v2M12 20v2M4.900 4.900l1.400 1.400M17.700 17.700l1.400 1.400M2 12h2M20 12h2M4.900 19.100l1.400-1.400M17.700 6.300l1.400-1.400",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
  language: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  out: "M14 5V4a1 1 0 0 0-1-1H6a1 1 0 0 0-1 1v16a1 1 0 0 0 1 1h7a1 1 0 0 0 1-1v-1M10 12h11m0 0-3-3m3 3-3 3",
  more: "M12 5.500h.01M12 12h.01M12 18.500h.01",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  edit: "M5 19l1-4L16 5l3 3L9 18z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  move: "M4 7a2 2 0 0 1 2-2h3l2 2h7a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2zM9 13h6m0 0-2-2m2 2-2 2",
  people: "M9 5a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7zM3 19c0-3 3-5 6-5s6 2 6 5M15.500 5.500a3.500 3.500 0 0 1 0 6.500M17.500 14.500c2 .7 3.500 2.300 3.500 4.500",
  plus: "M12 5v14M5 12h14",
  back: "M20 12H5m0 0 6-6m-6 6 6 6",
  pause: "M9 6v12M15 6v12",
  play: "M8 5l11 7-11 7z",
  retry: "M20 11a8 8 0 1 0-2 6M20 5v6h-6",
  check: "M5 13l4 4L19 7",
  alert: "M12 4l9 16H3zM12 10v4M12 17h.01",
  imports: "M4 5h16M4 12h9M4 19h9M18 10v9m0 0-3-3m3 3 3-3",
  data: "M5 20V10M12 20V4M19 20v-7",
  admin: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.700-5.700l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.700 5.700l1-1",
  key: "M15 4a5 5 0 1 1-4.300 7.600L4 18.300V20h3v-2h2v-2h2l1.600-1.600M15.500 8.500h.01",
  chevron: "M9 6l6 6-6 6",
};

export function Icon({ name, ...rest }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" {...rest}>
      <path d={PATHS[name]} fill="none" stroke="currentColor" stroke-width={name === "more" ? 3 : 1.75} stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
