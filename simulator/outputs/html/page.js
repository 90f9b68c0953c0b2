// What all parts of the page use. Texts become text nodes: nothing here reads a text as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const SHOWN_OUTCOMES = 4; // those that make findings come first
const FINDINGS_OF = data.outcomes.map((_, outcome) => data.findings.filter((row) => row.outcome === outcome).length);

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function byId(id) {
  return document.getElementById(id);
}

function number(count) {
  return count.toLocaleString("en");
}

function plural(count, one, many) {
  return number(count) + " " + (count === 1 ? one : many || one + "s");
}

function outcomeMark(outcome) {
  return el("span", { class: "outcome o" + outcome }, data.outcomes[outcome].label);
}

// A plain table for those who do not see a picture, or want its numbers.
function plainTable(caption, heads, rows) {
  const cells = (row) => row.map((cell, place) =>
    el("td", { class: place && typeof cell === "number" ? "number" : null },
      typeof cell === "number" ? number(cell) : cell));
  return el("table", { class: "plain" },
    caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, ...heads.map((head, place) =>
      el("th", { scope: "col", class: rows.length && place && typeof rows[0][place] === "number" ? "number" : null }, head)))),
    el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row)))));
}

// A long list shows its beginning; a button shows the rest.
function longList(items, most) {
  const list = el("ul", { class: "values" }, ...items.slice(0, most));
  if (items.length <= most) return list;
  const more = el("button", { type: "button", class: "more" }, "Show " + plural(items.length - most, "more", "more"));
  more.addEventListener("click", () => {
    list.append(...items.slice(most));
    more.remove();
  });
  return el("div", {}, list, more);
}

// Lines of a policy; those of marked statements stand out, and say so to those who do not see colours.
function policyLines(lines, start, marks) {
  const code = el("code", {});
  const indent = lines[0].length - lines[0].trimStart().length;
  lines.forEach((whole, place) => {
    const line = whole.slice(indent);
    const marked = marks.some(([from, to]) => place + start >= from && place + start < to);
    code.append(el(marked ? "mark" : "span", {}, line + "\n"));
  });
  return el("pre", { tabindex: "0" }, code);
}

let printing = false;

// Light and dark: as the system has it, until the reader chooses.
const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

function colours(redraw) {
  const button = byId("theme");
  const tell = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", "Switch to " + (isDark() ? "light" : "dark") + " colours");
  };
  const changed = () => {
    tell();
    redraw();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    changed();
  });
  dark.addEventListener("change", changed);
  // Paper is light, whatever the screen is.
  let before;
  addEventListener("beforeprint", () => {
    printing = true;
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    changed();
  });
  addEventListener("afterprint", () => {
    printing = false;
    if (before) document.documentElement.dataset.theme = before;
    else delete document.documentElement.dataset.theme;
    changed();
  });
  button.hidden = false;
  tell();
}
