// What the pages do beyond HTML and htmx. Everything works without this file; it only makes things quicker to use.
(() => {
  "use strict";

  const status = () => document.getElementById("status");

  // Copy buttons are hidden until there is a script to serve them.
  function showCopyButtons(root) {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.value ?? source.textContent);
        status().textContent = "Copied.";
        button.querySelector("[data-label]").textContent = "Copied";
      } catch {
        if (source.select) source.select();
        else getSelection().selectAllChildren(source);
        status().textContent = "Selected. Press Ctrl+C to copy.";
      }
      return;
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  // Live parts ([data-live]) rest while nobody looks, and ask only for what changed.
  const seen = new Map();
  const isLive = (event) => event.detail.elt.hasAttribute("data-live");

  document.addEventListener("htmx:configRequest", (event) => {
    const tag = isLive(event) && seen.get(event.detail.path);
    if (tag) event.detail.headers["If-None-Match"] = tag;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isLive(event) && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, pathInfo, successful } = event.detail;
    const lost = document.getElementById("connection-lost");
    if (xhr && xhr.status > 0) lost.hidden = true;
    if (!isLive(event) || !successful) return;
    const tag = xhr.getResponseHeader("ETag");
    if (tag) seen.set(pathInfo.requestPath, tag);
  });
  document.addEventListener("htmx:sendError", () => {
    document.getElementById("connection-lost").hidden = false;
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.body.dispatchEvent(new Event("looked-at"));
  });

  // A request given up for a newer one is no error; htmx would report it to the console as one.
  let givingUp = false;
  document.addEventListener("htmx:abort", () => (givingUp = true), true);
  document.addEventListener("htmx:abort", () => (givingUp = false));
  htmx.logger = (_element, _event, detail) => {
    if (givingUp) delete detail.error;
  };

  // What somebody has opened or closed stays so when a live part is morphed.
  if (window.Idiomorph) {
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
      !(name === "open" && node instanceof HTMLDetailsElement);
  }

  // After a swap the keyboard's place is where the answer says, or where it was: also when what had it could not take it
  // back at once, such as a button that is disabled until something is checked.
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => {
    if (document.activeElement !== document.body) focused = document.activeElement.id;
  });
  document.addEventListener("pointerdown", () => (focused = null));
  document.addEventListener("htmx:afterSettle", (event) => {
    const root = event.detail.target || document;
    showCopyButtons(root);
    const wanted = root.querySelector("[data-focus]");
    if (wanted) wanted.focus();
    else if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
  });

  showCopyButtons(document);
})();
