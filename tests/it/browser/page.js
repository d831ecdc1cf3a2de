// What a test asks a page: which control has a role and a name, and what a picky reader would object to.
const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[aria-hidden=true]");
const ROLES = {
  link: "a[href]", button: "button, summary", textbox: "input:not([type]), input[type=text], input[type=search]",
  spinbutton: "input[type=number]", combobox: "select", radio: "input[type=radio]", checkbox: "input[type=checkbox]",
  heading: "h1, h2, h3", group: "fieldset",
};
const nameOf = (element) =>
  words(element.getAttribute("aria-label")) ||
  words([...(element.labels ?? [])].map((label) => label.textContent).join(" ")) ||
  words(element.querySelector(":scope > legend")?.textContent ?? element.textContent);

function find(role, name) {
  const wanted = name.toLowerCase();
  const named = [...document.querySelectorAll(ROLES[role])].filter(shown).map((element) => [element, nameOf(element).toLowerCase()]);
  return (named.find(([, is]) => is === wanted) ?? named.find(([, is]) => role === "button" && is.startsWith(wanted)))?.[0] ?? null;
}

// Contrast as WCAG 2 computes it, of every text against what lies behind it.
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
function rgba(color) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
function behind(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((below, layer) => over(layer, below), rgba("Canvas"));
}
const luminance = (color) =>
  color.slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
function contrast(element) {
  const back = behind(element);
  const [light, dark] = [luminance(over(rgba(getComputedStyle(element).color), back)), luminance(back)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
function faint() {
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3 && words(node.data)).length > 0;
    if (!text || !shown(element) || element.closest(".visually-hidden, .skip, :disabled, option, noscript")) continue;
    const style = getComputedStyle(element);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = contrast(element);
    if (ratio < (large ? 3 : 4.5)) found.push(`faint (${ratio.toFixed(2)}): ${words(element.textContent).slice(0, 60)}`);
  }
  return found;
}

// Targets smaller than 24 pixels, except links within a sentence (WCAG 2.5.8).
function small() {
  const inline = (element) => element.matches("p a, li a, dd a, td a, .hint a, .trail a");
  return [...document.querySelectorAll("a[href], button, summary, select, input:not([type=hidden], [type=radio], [type=checkbox])")]
    .filter((element) => shown(element) && !inline(element) && !element.matches(".skip, .visually-hidden"))
    .filter((element) => element.getBoundingClientRect().height < 23.5 || element.getBoundingClientRect().width < 23.5)
    .map((element) => `small: ${element.outerHTML.slice(0, 100)}`);
}

// What sticks out to the right, and so makes the whole page scroll sideways.
function wide() {
  const page = document.documentElement;
  return page.scrollWidth > page.clientWidth ? [`${page.scrollWidth} wide in ${page.clientWidth}`] : [];
}

function structure() {
  const found = [];
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(shown).map((heading) => Number(heading.tagName[1]));
  if (levels[0] !== 1 || levels.filter((level) => level === 1).length !== 1) found.push(`headings begin ${levels}`);
  levels.forEach((level, at) => at && level > levels[at - 1] + 1 && found.push(`headings skip a level: ${levels}`));
  for (const landmark of ["header", "main", "footer", "nav"]) if (!document.querySelector(landmark)) found.push(`no ${landmark}`);
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) found.push(`twice: #${id}`);
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby]"))
    for (const id of `${element.getAttribute("aria-describedby") ?? ""} ${element.getAttribute("aria-labelledby") ?? ""}`.trim().split(/\s+/))
      if (!document.getElementById(id)) found.push(`described by nothing: #${id}`);
  if (!document.documentElement.lang || !document.title) found.push("no language or title");
  return found;
}
const objections = () => [...faint(), ...small(), ...wide(), ...structure()];
