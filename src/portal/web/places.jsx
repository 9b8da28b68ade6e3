// SPDX-License-Identifier: Apache-2.0
// The places where a person has files: those of one's own, and spaces. Who has no space sees nothing of this.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, session } from "./api.js";
import { shown, t } from "./i18n.js";
import { Icon } from "./icons.jsx";
import { lazy } from "./lazy.jsx";

export const spaceAddress = (space) => `/portal/space/${space.id ?? space}`;
export const folderAddress = (folder) => `/portal/folder/${folder.id ?? folder}`;

// Shows another page, as a click on a link would.
export function visit(path) {
  history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

// ---- the spaces that the person may see, by name

let spaces = [];
let asked = null;
const listeners = new Set();
const MAX = 2000;
export const EDITORS = ["editor", "manager", "administrator"]; // the roles that put files into a space

async function read() {
  const found = [];
  let after = "";
  do {
    const page = await get(`/v1/native/spaces?${new URLSearchParams({ limit: 500, ...(after && { after }) })}`);
    found.push(...page.spaces);
    after = page.next;
  } while (after && found.length < MAX);
  spaces = found.sort((a, b) => a.name.localeCompare(b.name, document.documentElement.lang));
  for (const listener of listeners) listener();
}

export const refreshSpaces = () => (asked = read().catch(() => (asked = null)));

export function useSpaces() {
  const [, draw] = useState(0);
  useEffect(() => {
    const listener = () => draw((n) => n + 1);
    listeners.add(listener);
    asked ?? refreshSpaces();
    return () => listeners.delete(listener);
  }, []);
  return spaces;
}

// ---- the heading, which is a menu when there is more than one place

const NewSpace = lazy(() => import("./spaces.jsx"), "NewSpace");

function Menu({ current, close, create, go }) {
  const menu = useRef();
  const all = useSpaces();
  useEffect(() => {
    const outside = (event) => menu.current && !menu.current.parentElement.contains(event.target) && close();
    const key = (event) => {
      if (event.key === "Escape") close(true);
    };
    addEventListener("pointerdown", outside);
    addEventListener("keydown", key);
    menu.current.querySelector("a").focus();
    return () => {
      removeEventListener("pointerdown", outside);
      removeEventListener("keydown", key);
    };
  }, []);
  const choose = (event) => (go(event), close());
  return (
    <nav class="place-menu" ref={menu} aria-label={t("places")}>
      <ul>
        <li><a href="/portal" onClick={choose} aria-current={current ? undefined : "page"}><Icon name="file" /><span>{t("my_files")}</span></a></li>
        {all.map((s) => (
          <li key={s.id}><a href={spaceAddress(s)} onClick={choose} aria-current={s.id === current ? "page" : undefined}><Icon name="files" /><bdi>{shown(s.name)}</bdi></a></li>
        ))}
      </ul>
      {session.admin && <button type="button" class="link place-new" onClick={() => (close(), create())}><Icon name="plus" />{t("new_space")}</button>}
    </nav>
  );
}

// title: of the place; current: the id of the space, if it is one.
export function PlaceHeading({ title, current, go }) {
  const all = useSpaces();
  const [isOpen, setIsOpen] = useState(false);
  const [creating, setCreating] = useState(false);
  const button = useRef();
  const close = (back) => {
    setIsOpen(false);
    if (back) button.current?.focus();
  };
  if (!all.length && !session.admin && !current) return <h1>{t("files")}</h1>;
  return (
    <div class="places">
      <h1>
        <button type="button" class="link place" ref={button} aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          <bdi>{title}</bdi><Icon name="chevron" class="icon down" />
        </button>
      </h1>
      {isOpen && <Menu current={current} close={close} create={() => setCreating(true)} go={go} />}
      {creating && <NewSpace close={() => setCreating(false)} />}
    </div>
  );
}
