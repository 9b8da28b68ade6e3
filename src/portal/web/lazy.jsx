// SPDX-License-Identifier: Apache-2.0
// A page that is a script of its own, which is loaded when it is first shown.
import { useEffect, useState } from "preact/hooks";
import { t } from "./i18n.js";
import { ApiError } from "./api.js";
import { Problem } from "./ui.jsx";

// load: () => import("./page.jsx"); name: what that module exports.
export function lazy(load, name) {
  let loaded = null;
  return function Lazy(props) {
    const [View, setView] = useState(() => loaded);
    const [error, setError] = useState(null);
    const start = () => {
      setError(null);
      load().then((m) => setView(() => (loaded = m[name])), () => setError(new ApiError(0, "offline", "")));
    };
    useEffect(() => {
      if (!loaded) start();
    }, []);
    if (View) return <View {...props} />;
    return error ? <Problem error={error} retry={start} /> : <p class="soft" role="status">{t("loading")}</p>;
  };
}
