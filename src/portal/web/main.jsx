// SPDX-License-Identifier: Apache-2.0
import { render } from "preact";
import "./styles/common.css"; // first: the others build on it
import "./styles/door.css";
import { App } from "./app.jsx";

render(<App />, document.getElementById("portal"));
