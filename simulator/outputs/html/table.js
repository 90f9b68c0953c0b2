// The findings: search, filters, order, pages, and a row's details. Only the rows of one page are in the document.

const PAGE = 50;
const PRINTED = 1000;
// A report of another kind has words of its own.
const WORDS = Object.assign({
  outcome: "Outcome", statement: "Statement", one: "finding",
  note: "A call that several statements deny stands in the finding of each: calls of findings are not to be added up.",
}, data.words);
const COLUMNS = [
  { id: "outcome", head: WORDS.outcome, key: (row) => row.outcome },
  { id: "identity", head: "Identity", key: (row) => data.identities[row.identity].label.toLowerCase() },
  { id: "action", head: "Call", key: (row) => row.action.toLowerCase() },
  { id: "statement", head: WORDS.statement, key: (row) => data.statements[row.statement].label.toLowerCase() },
  { id: "calls", head: "Calls", key: (row) => row.calls, down: true },
  { id: "last", head: "Last seen", key: (row) => row.last, down: true },
];

const view = { search: "", outcomes: new Set(), account: "", statement: "", order: null, down: false, page: 0, open: new Set() };
let filtered = data.findings.map((_, place) => place);
const texts = new Array(data.findings.length); // what a search looks in, made when first needed
const table = {};

function searchText(place) {
  if (texts[place] === undefined) {
    const row = data.findings[place];
    const who = data.identities[row.identity];
    const by = data.statements[row.statement];
    const blocks = (row.blocks || []).flatMap((block) => block.items);
    const names = (row.resources || []).concat(row.sessions || [], blocks).map(([text]) => text);
    texts[place] = [who.label, who.where, who.arn, row.action, row.access, by.label, by.policy_name, by.source,
      ...names, ...(row.regions || []), ...(row.events || []), ...(row.settled_by || []),
      data.outcomes[row.outcome].label].join("\n").toLowerCase();
  }
  return texts[place];
}

function sortFiltered() {
  const column = COLUMNS.find((each) => each.id === view.order);
  if (!column) return;
  const keys = new Map(filtered.map((place) => [place, column.key(data.findings[place])]));
  const sign = view.down ? -1 : 1;
  // The order of the report decides between equals.
  filtered.sort((a, b) => {
    const x = keys.get(a), y = keys.get(b);
    return x < y ? -sign : x > y ? sign : a - b;
  });
}

function applyFilter() {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  filtered = [];
  data.findings.forEach((row, place) => {
    if (view.outcomes.size && !view.outcomes.has(row.outcome)) return;
    if (view.account && data.identities[row.identity].where !== view.account) return;
    if (view.statement && data.statements[row.statement].label !== view.statement) return;
    if (words.length && !words.every((word) => searchText(place).includes(word))) return;
    filtered.push(place);
  });
  sortFiltered();
  view.page = 0;
  showRows();
}

function showRows() {
  const pages = Math.max(1, Math.ceil(filtered.length / PAGE));
  const start = printing ? 0 : view.page * PAGE;
  const end = Math.min(filtered.length, printing ? PRINTED : start + PAGE);
  table.body.replaceChildren(...filtered.slice(start, end).flatMap(rowsOf));
  for (const column of COLUMNS) {
    const sorted = view.order === column.id;
    table.heads[column.id].setAttribute("aria-sort", sorted ? (view.down ? "descending" : "ascending") : "none");
  }
  const all = data.findings.length;
  const of = filtered.length === all ? plural(all, WORDS.one) : number(filtered.length) + " of " + plural(all, WORDS.one);
  table.status.textContent = filtered.length
    ? "Showing " + number(start + 1) + "–" + number(end) + ", " + of
    : "No " + WORDS.one + " matches (" + plural(all, WORDS.one) + " in all)";
  table.pages.hidden = pages < 2;
  table.page.textContent = "Page " + number(view.page + 1) + " of " + number(pages);
  table.previous.disabled = view.page === 0;
  table.next.disabled = view.page >= pages - 1;
  table.clear.hidden = !(view.search || view.outcomes.size || view.account || view.statement);
  for (const [outcome, chip] of table.chips) chip.setAttribute("aria-pressed", String(view.outcomes.has(outcome)));
}

// One finding: its row, and below it the details where they are open.
function rowsOf(place) {
  const row = data.findings[place];
  const who = data.identities[row.identity];
  const by = data.statements[row.statement];
  const open = view.open.has(place);
  const [name, more] = splitStatement(by);
  const button = el("button", {
    type: "button", class: "toggle", "aria-expanded": String(open), "aria-controls": "detail-" + place, "data-place": place,
    onkeydown: moveFocus,
  }, outcomeMark(row.outcome));
  const line = el("tr", { role: "row", class: "finding" + (open ? " open" : ""), id: "finding-" + row.id },
    el("td", { role: "cell", "data-label": WORDS.outcome }, button),
    el("td", { role: "cell", "data-label": "Identity" }, el("span", { class: "strong" }, who.label), el("small", {}, who.where)),
    el("td", { role: "cell", "data-label": "Call" }, el("span", {}, row.action), el("small", {}, row.access)),
    el("td", { role: "cell", "data-label": WORDS.statement }, el("span", {}, name), el("small", {}, more)),
    el("td", { role: "cell", "data-label": "Calls", class: "number" }, number(row.calls)),
    el("td", { role: "cell", "data-label": "Last seen", class: "date" }, row.last.slice(0, 10) || "unknown"));
  line.addEventListener("click", (event) => {
    // Whoever marks text to copy it does not want the row to move.
    if (!String(getSelection())) toggle(place, event.target);
  });
  return open ? [line, detailRow(place)] : [line];
}

function splitStatement(by) {
  const cut = by.label.indexOf(" of ");
  return cut < 0 ? [by.label, ""] : [by.label.slice(0, cut), by.label.slice(cut + 4)];
}

function toggle(place) {
  if (!view.open.delete(place)) view.open.add(place);
  const old = table.body.querySelector('[data-place="' + place + '"]').closest("tr");
  const had = old.contains(document.activeElement);
  if (old.nextElementSibling && old.nextElementSibling.classList.contains("detail")) old.nextElementSibling.remove();
  old.replaceWith(...rowsOf(place));
  if (had) table.body.querySelector('[data-place="' + place + '"]').focus();
}

// Arrows, Home and End go from row to row; Escape closes; Enter and space are the button's own.
function moveFocus(event) {
  const buttons = [...table.body.querySelectorAll("button.toggle")];
  const here = buttons.indexOf(event.currentTarget);
  const place = Number(event.currentTarget.dataset.place);
  const target = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (event.key === "Escape" && view.open.has(place)) toggle(place);
  else if ((event.key === "ArrowRight" && !view.open.has(place)) || (event.key === "ArrowLeft" && view.open.has(place))) toggle(place);
  else if (target === undefined) return;
  else if (buttons[target]) buttons[target].focus();
  event.preventDefault();
}

function detailRow(place) {
  const row = data.findings[place];
  const who = data.identities[row.identity];
  const by = data.statements[row.statement];
  const cut = new Set(row.cut || []);
  const blocks = [];
  const add = (title, ...content) => blocks.push(el("div", { class: "block" }, el("h4", {}, title), ...content));
  const counted = (title, name, rows) => rows && add(title + (cut.has(name) ? " (the first " + rows.length + ")" : ""),
    longList(rows.map(([text, calls]) => el("li", {}, el("span", {}, text), el("small", {}, plural(calls, "call")))), 8));
  add("Identity", el("p", { class: "mono" }, who.arn), el("p", {}, who.where));
  add("Seen", el("p", {}, plural(row.calls, "call")), el("p", {}, seen(row)),
    el("p", { class: "muted" }, (row.regions || []).join(", ") + (cut.has("regions") ? ", …" : "")));
  if (row.settled_by) add("Settled by", el("ul", { class: "values" }, ...row.settled_by.map((text) => el("li", {}, text))));
  if (who.behind.length) add("People and workloads behind it", behindTree(who.behind), el("p", { class: "muted small" },
    "Counts are of all calls of the identity, not of this finding alone."));
  for (const lost of row.lost || []) blocks.push(lostBlock(data.lost.rows[lost]));
  for (const block of row.blocks || []) add(block.title, longList(block.items.map(([text, told]) =>
    el("li", {}, el("span", {}, text), told ? el("small", {}, told) : null)), 8));
  counted("Sessions", "sessions", row.sessions);
  counted("Resources", "resources", row.resources);
  if (row.events) add("Sample events" + (cut.has("event_ids") ? " (the first " + row.events.length + ")" : ""),
    longList(row.events.map((text) => el("li", { class: "mono" }, text)), 5));
  blocks.push(statementBlock(by));
  return el("tr", { role: "row", class: "detail", id: "detail-" + place },
    el("td", { role: "cell", colspan: COLUMNS.length }, el("div", { class: "blocks" }, ...blocks)));
}

// Who acts through an identity, and who is behind that; how sure it is stands beside each.
function behindTree(rows) {
  return longList(rows.map((row) => el("li", { class: "behind" },
    el("span", { class: "strong" }, row.label), " ", el("small", {}, row.detail || ""),
    row.sure ? el("small", { class: "line" }, shareOf(row)) : null,
    row.sure ? el("small", { class: "line" }, row.sure + ": " + row.why) : null,
    row.behind && row.behind.length ? behindTree(row.behind) : null)), 5);
}

function shareOf(row) {
  const parts = [];
  if (row.denied) parts.push(number(row.denied) + " would be denied");
  if (row.undecided) parts.push(number(row.undecided) + " may be denied");
  return plural(row.calls, "call") + (parts.length ? ", " + parts.join(", ") : "");
}

function lostBlock(lost) {
  return el("div", { class: "block" }, el("h4", {}, "Lost with it"),
    el("p", {}, lostSentence(lost)), el("p", { class: "muted small" }, "Counted apart from the denied calls."));
}

function lostSentence(lost) {
  return (lost.least ? "at least " : "") + plural(lost.calls, "call") + " of " + plural(lost.sessions, "session") + " that "
    + lost.caller.label + " had through " + lost.role.label
    + (lost.further.length ? " and onwards through " + lost.further.join(", ") : "");
}

function seen(row) {
  if (!row.first) return "at an unknown time";
  return row.first === row.last ? row.first : row.first + " to " + row.last;
}

function statementBlock(by) {
  const parts = [el("h4", {}, WORDS.statement), el("p", {}, by.label)];
  if (by.source) parts.push(el("p", { class: "muted mono" }, by.source));
  if (by.lines) {
    const [from, to] = by.lines;
    parts.push(policyLines(data.policies[by.policy].lines.slice(from, to), from, []));
    parts.push(el("p", {}, el("a", { href: "#policy-" + by.policy }, "The whole policy")));
  }
  return el("div", { class: "block wide" }, ...parts);
}

// What stands around the rows

function chip(outcome) {
  const told = data.outcomes[outcome];
  return el("button", {
    type: "button", class: "chip o" + outcome, "aria-pressed": "false",
    onclick: () => {
      if (!view.outcomes.delete(outcome)) view.outcomes.add(outcome);
      applyFilter();
    },
  }, told.label, " ", el("b", {}, number(FINDINGS_OF[outcome])));
}

function choice(label, name, values) {
  const select = el("select", { onchange: (event) => { view[name] = event.target.value; applyFilter(); } },
    el("option", { value: "" }, "All"), ...values.map((value) => el("option", { value }, value)));
  table[name] = select;
  return el("label", { class: "field" }, el("span", {}, label), select);
}

function distinct(values) {
  return [...new Set(values)].filter(Boolean).sort((a, b) => (a < b ? -1 : 1));
}

function findingsTable() {
  const place = byId("findings-body");
  if (!data.findings.length) {
    place.append(el("p", { class: "lead" }, "There is none."));
    return;
  }
  let waiting;
  table.search = el("input", {
    type: "search", id: "search", placeholder: "role, action, bucket, session, event id …", autocomplete: "off", spellcheck: "false",
    oninput: (event) => {
      view.search = event.target.value;
      clearTimeout(waiting);
      waiting = setTimeout(applyFilter, 120);
    },
  });
  table.chips = [];
  for (let outcome = 0; outcome < SHOWN_OUTCOMES; outcome += 1) {
    if (FINDINGS_OF[outcome]) table.chips.push([outcome, chip(outcome)]);
  }
  table.clear = el("button", { type: "button", class: "plain-button", hidden: true, onclick: clearFilter }, "Clear filters");
  table.status = el("p", { role: "status", "aria-live": "polite", class: "status" });
  table.previous = el("button", { type: "button", onclick: () => turn(-1) }, "Previous");
  table.next = el("button", { type: "button", onclick: () => turn(1) }, "Next");
  table.page = el("span", {});
  table.pages = el("div", { class: "pages" }, table.previous, table.page, table.next);
  table.heads = {};
  for (const column of COLUMNS) table.heads[column.id] = headOf(column);
  table.body = el("tbody", { role: "rowgroup" });
  place.append(...[
    el("div", { class: "filters" },
      el("label", { class: "field grow" }, el("span", {}, "Search"), table.search),
      choice("Account", "account", distinct(data.identities.map((each) => each.where))),
      choice(WORDS.statement, "statement", distinct(data.statements.map((each) => each.label)))),
    el("div", { class: "chips", role: "group", "aria-label": "Outcomes" }, ...table.chips.map(([, each]) => each), table.clear),
    table.status,
    el("table", { role: "table", class: "findings", "aria-labelledby": "findings-title" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...COLUMNS.map((column) => table.heads[column.id]))), table.body),
    table.pages,
    data.left_out ? el("p", { class: "strong" }, plural(data.left_out, "more " + WORDS.one) + " would make this page slow: the JSON and CSV reports have them all.") : null,
    el("p", { class: "muted small" }, WORDS.note),
  ].filter(Boolean));
  showRows();
  addEventListener("beforeprint", showRows);
  addEventListener("afterprint", showRows);
}

function headOf(column) {
  const sort = () => {
    view.down = view.order === column.id ? !view.down : Boolean(column.down);
    view.order = column.id;
    sortFiltered();
    view.page = 0;
    showRows();
  };
  return el("th", { scope: "col", role: "columnheader", "aria-sort": "none", class: column.id === "calls" ? "number" : null },
    el("button", { type: "button", class: "sort", onclick: sort }, column.head));
}

function turn(step) {
  view.page += step;
  showRows();
  byId("findings").scrollIntoView();
}

function clearFilter() {
  Object.assign(view, { search: "", account: "", statement: "", outcomes: new Set() });
  table.search.value = table.account.value = table.statement.value = "";
  applyFilter();
  table.search.focus();
}

// Other parts of the page lead here.
function showOnly(filter) {
  Object.assign(view, { search: "", account: "", statement: "", outcomes: new Set() }, filter);
  table.search.value = view.search;
  table.account.value = view.account;
  table.statement.value = view.statement;
  applyFilter();
  byId("findings").scrollIntoView();
  byId("findings").focus({ preventScroll: true });
}
