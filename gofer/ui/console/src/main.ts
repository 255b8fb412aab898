import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { applyTheme } from "./lib/preferences.svelte";

applyTheme();
const target = document.getElementById("app");
if (target !== null) mount(App, { target });
